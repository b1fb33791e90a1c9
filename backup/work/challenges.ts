/** Showing that what is here is still the file: a keyed hash over the parts of it the server names. */
import { createHmac, type Hmac } from 'node:crypto'
import fs from 'node:fs'
import { lookFailure, openLocal } from '../folder/local-file.ts'
import { type Find, withSpots } from '../folder/spots.ts'
import { namesOf } from '../names/archive-path.ts'
import { BadAnswer, type Json, listIn, pathIn, shown, textIn, wholeIn } from '../wire/answers.ts'
import { leave, type Run } from './run.ts'

/** Asked for at once, and answered at once: while the server looks at some answers the next are found. */
const ASKED_MAX = 1_000
const ANSWERED_MAX = 100
/** A server that keeps asking is answered in the next run. */
const ROUNDS_MAX = 1_000
/** Of one challenge. */
const BYTES_MAX = 2 ** 30
const READ_BYTES = 256 * 1024

export async function answerChallenges(run: Run): Promise<void> {
	run.watcher.title('proof')
	const asked = new Set<number>()
	for (let round = 0; round < ROUNDS_MAX; round++) {
		const challenges = listIn(await run.client.call('GET', `/challenges?limit=${ASKED_MAX}`), 'challenges')
		const fresh = challenges.filter((challenge) => !asked.has(wholeIn(challenge, 'challenge')))
		if (fresh.length === 0) return
		for (const challenge of fresh) asked.add(wholeIn(challenge, 'challenge'))
		let telling: Promise<void> = Promise.resolve()
		for (let from = 0; from < fresh.length; from += ANSWERED_MAX) {
			// So that what is told is on its way before the next are looked for.
			await new Promise(setImmediate)
			const some = fresh.slice(from, from + ANSWERED_MAX)
			const answers = await withSpots(run.folder, (find) => some.map((challenge) => ({ challenge: wholeIn(challenge, 'challenge'), ...answerOne(run, find, challenge) })))
			await telling
			telling = tell(run, some, answers)
			// Met where it is waited for.
			telling.catch(() => undefined)
		}
		await telling
	}
}

async function tell(run: Run, challenges: readonly Json[], answers: readonly object[]): Promise<void> {
	const results = listIn(await run.client.call('POST', '/challenges', { answers }), 'results')
	if (results.length !== answers.length) throw new BadAnswer('there are other results than answers')
	for (const [index, challenge] of challenges.entries()) {
		if (textIn(results[index] as Json, 'result') === 'failed') leave(run, shown(pathIn(challenge)), 'is not what it should be; the server asks for it again')
	}
}

const buffer = Buffer.allocUnsafeSlow(READ_BYTES)

function answerOne({ folder }: Run, find: Find, challenge: Json): { proof: string } | { error: string } {
	const size = wholeIn(challenge, 'size')
	const ranges = rangesIn(challenge, size)
	const key = textIn(challenge, 'key')
	if (!/^[0-9a-f]{64}$/.test(key)) throw new BadAnswer('key is no key')
	try {
		const spot = find(namesOf(pathIn(challenge), folder.platform), false)
		const file = spot && openLocal(spot)
		spot?.close()
		if (file === undefined) return { error: 'missing' }
		try {
			if (file.size !== size) return { error: 'differs' }
			const proof = createHmac('sha256', Buffer.from(key, 'hex'))
			for (const [offset, length] of ranges) addRange(proof, file.fd, offset, offset + length)
			return { proof: proof.digest('hex') }
		} finally {
			file.close()
		}
	} catch (error) {
		return { error: lookFailure(error) }
	}
}

function addRange(proof: Hmac, fd: number, offset: number, end: number): void {
	for (let at = offset; at < end; ) {
		const count = fs.readSync(fd, buffer, 0, Math.min(buffer.length, end - at), at)
		if (count === 0) return
		proof.update(buffer.subarray(0, count))
		at += count
	}
}

function rangesIn(challenge: Json, size: number): [number, number][] {
	const { ranges } = challenge
	if (!Array.isArray(ranges)) throw new BadAnswer('ranges is no list')
	let bytes = 0
	for (const range of ranges) {
		const [offset, length] = Array.isArray(range) ? range : []
		if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 || offset + length > size) {
			throw new BadAnswer('a range lies outside of its file')
		}
		bytes += length
	}
	if (bytes > BYTES_MAX) throw new BadAnswer('a challenge over too many bytes')
	return ranges as [number, number][]
}
