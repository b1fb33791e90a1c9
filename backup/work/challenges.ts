/** Showing that what is here is still the file: a keyed hash over the parts of it the server names. */
import { createHmac } from 'node:crypto'
import { eachPart, lookFailure, openLocal } from '../folder/local-file.ts'
import { findSpot } from '../folder/spot.ts'
import { namesOf } from '../names/archive-path.ts'
import { BadAnswer, type Json, listIn, pathIn, shown, textIn, wholeIn } from '../wire/answers.ts'
import { leave, type Run } from './run.ts'

const LIMIT = 100
/** A server that keeps asking is answered in the next run. */
const ROUNDS_MAX = 1_000
/** Of one challenge. */
const BYTES_MAX = 2 ** 30

export async function answerChallenges(run: Run): Promise<void> {
	run.watcher.title('proof')
	const asked = new Set<number>()
	for (let round = 0; round < ROUNDS_MAX; round++) {
		const challenges = listIn(await run.client.call('GET', `/challenges?limit=${LIMIT}`), 'challenges')
		const fresh = challenges.filter((challenge) => !asked.has(wholeIn(challenge, 'challenge')))
		if (fresh.length === 0) return
		const answers: object[] = []
		for (const challenge of fresh) {
			const number = wholeIn(challenge, 'challenge')
			asked.add(number)
			answers.push({ challenge: number, ...(await answerOne(run, challenge)) })
		}
		const results = listIn(await run.client.call('POST', '/challenges', { answers }), 'results')
		if (results.length !== fresh.length) throw new BadAnswer('there are other results than answers')
		fresh.forEach((challenge, index) => {
			if (textIn(results[index], 'result') === 'failed') leave(run, shown(pathIn(challenge)), 'is not what it should be; the server asks for it again')
		})
	}
}

async function answerOne({ folder }: Run, challenge: Json): Promise<{ proof: string } | { error: string }> {
	const size = wholeIn(challenge, 'size')
	const ranges = rangesIn(challenge, size)
	const key = textIn(challenge, 'key')
	if (!/^[0-9a-f]{64}$/.test(key)) throw new BadAnswer('key is no key')
	try {
		const spot = findSpot(folder, namesOf(pathIn(challenge), folder.platform), false)
		if (spot === undefined) return { error: 'missing' }
		const file = openLocal(spot)
		spot.close()
		if (file === undefined) return { error: 'missing' }
		try {
			if (file.size !== size) return { error: 'differs' }
			const proof = createHmac('sha256', Buffer.from(key, 'hex'))
			for (const [offset, length] of ranges) await eachPart(file.fd, { offset, end: offset + length }, (part) => proof.update(part))
			return { proof: proof.digest('hex') }
		} finally {
			file.close()
		}
	} catch (error) {
		return { error: lookFailure(error) }
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
