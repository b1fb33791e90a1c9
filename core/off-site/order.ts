/** Orders of the keeper: written down once each, however often the command is given. */
import { createHash } from 'node:crypto'
import * as orders from '../catalogue/backup-orders.ts'
import type { NewOrder, OrderKey } from '../catalogue/backup-orders.ts'
import type { SiteId } from '../catalogue/sites.ts'
import { codeOf } from '../errors.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import { open } from '../filesystem/open.ts'
import { release } from '../filesystem/publish.ts'
import { run } from '../op.ts'
import { createFinder } from './at-path.ts'
import { isSame } from './put-back.ts'
import type { WantedBack } from './wanted-back.ts'

const ROWS_AT_ONCE = 500
const KEYS_AT_ONCE = 2_000

/** The same for the same command: given again, it goes on with what it asked for. */
export function jobOf(...words: Array<string | number | undefined>): string {
	return createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 16)
}

export interface Placing {
	site: SiteId
	job: string
	/** To a directory that is not of the tree. */
	elsewhere: boolean
	overwrite: boolean
}

export interface Placed {
	ordered: number
	bytes: number
	/** In the tree already, and readable. */
	there: number
	/** Paths that lead to something else now. */
	taken: Buffer[]
}

export async function place(fs: Filesystem, wanted: AsyncIterable<readonly WantedBack[]>, placing: Placing): Promise<Placed> {
	const placed: Placed = { ordered: 0, bytes: 0, there: 0, taken: [] }
	await orders.removeOver(fs.catalogue, placing.job)
	const asked = await askedFor(fs, placing.job)
	for await (const some of wanted) {
		const fresh: NewOrder[] = []
		for (const each of some) {
			const kind = placing.elsewhere ? 'fetch' : await kindOf(fs, each, placing)
			if (kind === 'there') placed.there++
			else if (kind === 'taken') placed.taken.push(each.target)
			else {
				placed.ordered++
				placed.bytes += each.size
				const order: NewOrder = { ...each, site_id: placing.site, job: placing.job, kind, to_path: each.target }
				if (!asked.has(keyOf(order))) fresh.push(order)
			}
		}
		await insertAll(fs, fresh)
	}
	return placed
}

export async function insertAll({ catalogue, capabilities }: Pick<Filesystem, 'catalogue' | 'capabilities'>, fresh: readonly NewOrder[]): Promise<void> {
	for (let at = 0; at < fresh.length; at += ROWS_AT_ONCE) {
		await catalogue.transaction(function* (tx) {
			orders.insert(tx, fresh.slice(at, at + ROWS_AT_ONCE), capabilities)
		})
	}
}

/** By an earlier command. */
async function askedFor({ catalogue }: Filesystem, job: string): Promise<Set<string>> {
	const asked = new Set<string>()
	for (const state of ['asked', 'arrived'] as const) {
		const page = (after: number) => orders.keysAfter(catalogue, { job, state }, after, KEYS_AT_ONCE)
		for (let rows = await page(0); rows.length > 0; rows = await page(rows[rows.length - 1].id)) for (const row of rows) asked.add(keyOf(row))
	}
	return asked
}

function keyOf({ file_id, version, to_path }: Pick<OrderKey, 'file_id' | 'version' | 'to_path'>): string {
	return `${file_id}:${version}:${Buffer.from(to_path ?? []).toString('latin1')}`
}

async function kindOf(fs: Filesystem, wanted: WantedBack, { overwrite }: Placing): Promise<'restore' | 'overwrite' | 'there' | 'taken'> {
	const there = await run(createFinder()(fs.catalogue, wanted.target))
	if (!there) return 'restore'
	if (!(await run(isSame(fs, there, wanted)))) return overwrite ? 'overwrite' : 'taken'
	return (await isReadable(fs, there.id)) ? 'there' : 'restore'
}

async function isReadable(fs: Filesystem, id: number): Promise<boolean> {
	try {
		await run(release(fs, await run(open(fs, id, { write: false, truncate: false })), false))
		return true
	} catch (error) {
		if (codeOf(error) === 'EIO') return false
		throw error
	}
}
