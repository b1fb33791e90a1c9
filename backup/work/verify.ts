/** Reading everything the record speaks of, and telling the server what is no longer as it was. */
import { hashOfFile, lookFailure, openLocal } from '../folder/local-file.ts'
import { findSpot } from '../folder/spot.ts'
import { namesOf } from '../names/archive-path.ts'
import type { Held } from '../record/held.ts'
import { shown } from '../wire/answers.ts'
import { leave, type Run } from './run.ts'

const PORTION_FILES = 500

type Finding = 'right' | 'gone' | 'mismatch' | 'io'

export async function verify(run: Run): Promise<string> {
	const { holdings } = run.folder
	let seen: Held[] = []
	let bad: { held: Held; finding: Finding }[] = []
	let right = 0
	let wrong = 0
	run.watcher.title('verify')
	const settle = async () => {
		if (bad.length > 0) await run.client.call('POST', '/report', { files: bad.map(({ held: { id, version }, finding }) => ({ id, version, error: finding })) })
		await holdings.add(seen)
		seen = []
		bad = []
	}
	for (const held of holdings.all()) {
		run.watcher.expected(1, held.size)
		const finding = await findingOf(run, held)
		run.watcher.moved(held.size)
		run.watcher.done()
		if (finding === 'right') right++
		else {
			wrong++
			bad.push({ held, finding })
			leave(run, shown(Buffer.from(held.path, 'latin1')), WORDS[finding])
		}
		seen.push(finding === 'right' ? { ...held, seenMs: Date.now() } : { ...held, gone: true })
		if (seen.length >= PORTION_FILES) await settle()
	}
	await settle()
	return `${right} files are right${wrong > 0 ? `, ${wrong} are not` : ''}`
}

const WORDS: { [finding in Finding]: string } = {
	right: '',
	gone: 'is missing; the server is told and sends it again',
	mismatch: 'is not what it was; the server is told and sends it again',
	io: 'cannot be read; the server is told and sends it again',
}

async function findingOf({ folder }: Run, { path, size, hash }: Held): Promise<Finding> {
	try {
		const spot = findSpot(folder, namesOf(Buffer.from(path, 'latin1'), folder.platform), false)
		if (spot === undefined) return 'gone'
		const file = openLocal(spot)
		spot.close()
		if (file === undefined) return 'gone'
		try {
			return file.size === size && (await hashOfFile(file)) === hash ? 'right' : 'mismatch'
		} finally {
			file.close()
		}
	} catch (error) {
		return lookFailure(error) === 'missing' ? 'gone' : 'io'
	}
}
