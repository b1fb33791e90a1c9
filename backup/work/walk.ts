/** Adopting what is there already: every file below a directory is looked at, and the server is told of those it knows. */
import { fromLocals } from '../folder/contents.ts'
import { hashOfFile, lookFailure, openLocal } from '../folder/local-file.ts'
import { findSpot, type Spot } from '../folder/spot.ts'
import { joined, namesOf, type Names } from '../names/archive-path.ts'
import type { Held } from '../record/held.ts'
import { BadAnswer, type Json, listIn, shown, textIn, wholeIn } from '../wire/answers.ts'
import { leave, type Run } from './run.ts'

const FILES_MAX = 500

interface Found {
	path: Buffer
	size: number
	hash?: string
}

export async function walk(run: Run, path: string | undefined): Promise<string> {
	const below: Names = path === undefined || /^\/?$/.test(path) ? [] : namesOf(Buffer.from(path.replace(/^\/+|\/+$/g, '')), run.folder.platform)
	const counts = { current: 0, differs: 0, unknown: 0 }
	let files: Found[] = []
	run.watcher.title('walk')
	for (const { names, size } of fromLocals(run.folder, below, (where, why) => leave(run, shown(where), why))) {
		run.watcher.expected(1, size)
		files.push({ path: joined(names), size })
		if (files.length < FILES_MAX) continue
		await ask(run, files, counts)
		files = []
	}
	await ask(run, files, counts)
	return `${counts.current} files are copies from now on, ${counts.differs} have other content in the archive, ${counts.unknown} it does not know or want here`
}

async function ask(run: Run, files: Found[], counts: { [result: string]: number }): Promise<void> {
	const { toHash } = await tell(run, files, counts)
	const hashed: Found[] = []
	for (const file of toHash) {
		const hash = await hashOf(run, file)
		if (hash === undefined) leave(run, shown(file.path), 'went or changed while it was looked at')
		else hashed.push({ ...file, hash })
	}
	const { held } = await tell(run, hashed, counts)
	await run.folder.holdings.add(held)
}

async function tell(run: Run, files: readonly Found[], counts: { [result: string]: number }): Promise<{ toHash: Found[]; held: Held[] }> {
	const toHash: Found[] = []
	const held: Held[] = []
	if (files.length === 0) return { toHash, held }
	const asked = files.map(({ path, ...rest }) => ({ path64: path.toString('base64'), ...rest }))
	const results = listIn(await run.client.call('POST', '/walk', { files: asked }), 'results')
	if (results.length !== files.length) throw new BadAnswer('there are other results than files')
	for (const [index, file] of files.entries()) {
		const result = results[index] as Json
		const word = textIn(result, 'result')
		if (word === 'hash' && file.hash === undefined) {
			toHash.push(file)
			continue
		}
		counts[word] = (counts[word] ?? 0) + 1
		run.watcher.moved(file.size)
		run.watcher.done()
		if (word === 'current' && file.hash !== undefined) held.push(heldFrom(file, file.hash, result))
	}
	return { toHash, held }
}

function heldFrom({ path, size }: Found, hash: string, result: Json): Held {
	return { path: path.toString('latin1'), id: wholeIn(result, 'id'), version: wholeIn(result, 'version'), size, hash, seenMs: Date.now() }
}

async function hashOf({ folder }: Run, { path, size }: Found): Promise<string | undefined> {
	let spot: Spot | undefined
	try {
		spot = findSpot(folder, namesOf(path, folder.platform), false)
		const file = spot && openLocal(spot)
		if (!file) return undefined
		try {
			return file.size === size ? await hashOfFile(file) : undefined
		} finally {
			file.close()
		}
	} catch (error) {
		lookFailure(error)
		return undefined
	} finally {
		spot?.close()
	}
}
