/**
 * Files that are elsewhere in the archive now: they are moved here too, instead of being fetched again. What stands where one goes is set
 * aside, as ever; the server is told by the new path, and asks for proof of it.
 */
import fs from 'node:fs'
import { failureOf } from '../fetch/failure.ts'
import { syncWays, type Way } from '../fetch/place.ts'
import { setAside, standing } from '../folder/aside.ts'
import { isThere, openLocal } from '../folder/local-file.ts'
import { findSpot, type Spot } from '../folder/spot.ts'
import { namesOf } from '../names/archive-path.ts'
import type { Held } from '../record/held.ts'
import { BadAnswer, hashIn, type Json, listIn, pathIn, shown, wholeIn } from '../wire/answers.ts'
import type { Run } from './run.ts'

export interface Move {
	from: Buffer
	to: Buffer
	id: number
	version: number
	size: number
	/** Null where the server does not know it: then only the record can tell that it is the file. */
	hash: string | null
}

export function moveIn(notice: Json): Move | undefined {
	if (typeof notice['to64'] !== 'string') return undefined
	const to = pathIn({ path64: notice['to64'] })
	return { from: pathIn(notice), to, id: wholeIn(notice, 'id'), version: wholeIn(notice, 'version'), size: wholeIn(notice, 'size'), hash: hashIn(notice, 'hash') }
}

/** All of them before the server is told of any: two may have changed places. How many are where they belong. */
export async function moveAll(run: Run, moves: readonly Move[]): Promise<number> {
	if (moves.length === 0) return 0
	const records = recordsOf(run, moves)
	const before = [...records.values()]
	const moved: Held[] = []
	const gone: Move[] = []
	const ways: Way[] = []
	for (const move of moves) {
		const way = await moveOne(run, move, records)
		if (way === 'gone') gone.push(move)
		const hash = records.get(key(move.to))?.hash
		if (way === undefined || way === 'gone' || !hash) continue
		ways.push(...way)
		moved.push({ path: key(move.to), id: move.id, version: move.version, size: move.size, hash, seenMs: Date.now() })
	}
	await syncWays(run.folder, ways)
	const left = before.flatMap((held): Held[] => (records.has(held.path) ? [] : [{ ...held, gone: true }]))
	await run.folder.holdings.add([...left, ...moved])
	await tell(run, moved)
	await tellGone(run, gone)
	return moved.length
}

function key(path: Buffer): string {
	return path.toString('latin1')
}

/** What the record says of the paths that are spoken of. */
function recordsOf({ folder }: Run, moves: readonly Move[]): Map<string, Held> {
	const paths = new Set(moves.flatMap(({ from, to }) => [key(from), key(to)]))
	const found = new Map<string, Held>()
	for (const held of folder.holdings.all()) if (paths.has(held.path)) found.set(held.path, held)
	return found
}

/** The directories it concerns; undefined where it may not go there, and stays. */
async function moveOne(run: Run, move: Move, records: Map<string, Held>): Promise<Way[] | 'gone' | undefined> {
	const { folder, watcher } = run
	let from: Spot | undefined
	let to: Spot | undefined
	try {
		from = findSpot(folder, namesOf(move.from, folder.platform), false)
		const name = from && (await nameOf(from, move, records.get(key(move.from))))
		if (from === undefined || name === undefined) {
			const way = await wayIfMoved(run, move, records)
			if (way) follow(move, records)
			else if (records.get(key(move.from))?.id === move.id) records.delete(key(move.from))
			return way ? [way] : 'gone'
		}
		to = findSpot(folder, namesOf(move.to, folder.platform), true) as Spot
		setAside(to)
		fs.renameSync(from.directory.at(name), to.directory.at(to.name))
		follow(move, records)
		watcher.note(`${shown(move.from)}: is ${shown(move.to)} now`)
		return [from.parents, to.parents]
	} catch (error) {
		const failure = failureOf(error)
		if (failure === undefined) throw error
		watcher.note(`${shown(move.from)}: cannot be moved to ${shown(move.to)}: ${failure.text}`)
		return undefined
	} finally {
		from?.close()
		to?.close()
	}
}

/** By which name the file is there: its own, or one it was set aside under when another took its place. */
async function nameOf(spot: Spot, { id, version, size, hash }: Move, held: Held | undefined): Promise<Buffer | undefined> {
	if (held?.id === id && held.version === version && sizeOf(spot) === size) return spot.name
	if (hash === null) return undefined
	for (const name of standing(spot)) if (await isThere({ directory: spot.directory, name }, { size, hash })) return name
	return undefined
}

function sizeOf(spot: Spot): number | undefined {
	const file = openLocal(spot)
	file?.close()
	return file?.size
}

/** The record of it goes along. */
function follow({ from, to, id, version, size, hash }: Move, records: Map<string, Held>): void {
	const held = records.get(key(from))
	const isIts = held?.id === id
	if (isIts) records.delete(key(from))
	records.set(key(to), isIts ? held : { path: key(to), id, version, size, hash: hash ?? '', seenMs: 0 })
}

/** A run that was ended in between has moved it already. */
async function wayIfMoved({ folder }: Run, { to, size, hash }: Move, records: ReadonlyMap<string, Held>): Promise<Way | undefined> {
	const known = hash ?? records.get(key(to))?.hash
	const spot = findSpot(folder, namesOf(to, folder.platform), false)
	try {
		return spot && known && (await isThere(spot, { size, hash: known })) ? spot.parents : undefined
	} finally {
		spot?.close()
	}
}

async function tell({ client }: Run, moved: readonly Held[]): Promise<void> {
	if (moved.length === 0) return
	const files = moved.map(({ path, id, version, size, hash }) => ({ path64: Buffer.from(path, 'latin1').toString('base64'), id, version, size, hash }))
	const results = listIn(await client.call('POST', '/walk', { files }), 'results')
	if (results.length !== files.length) throw new BadAnswer('there are other results than files')
}

/** Neither where they were nor where they were to go: they are fetched anew. */
async function tellGone({ client, watcher }: Run, gone: readonly Move[]): Promise<void> {
	if (gone.length === 0) return
	for (const { from } of gone) watcher.note(`${shown(from)}: is not here any more; the server is told and sends it again`)
	await client.call('POST', '/report', { files: gone.map(({ id, version }) => ({ id, version, error: 'gone' })) })
}
