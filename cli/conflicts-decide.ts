/** Carrying out what the keeper decided about conflicts, one after the other. */
import * as conflicts from '../core/catalogue/conflicts.ts'
import type { ConflictRow } from '../core/catalogue/conflicts.ts'
import { UserError } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { takesChanges } from '../core/nodes/service.ts'
import { openHashing } from '../replicator/hashing/hashing.ts'
import { dropAside, dropInPlace } from '../replicator/walk/drop.ts'
import { type Decision, keepAs, keepInPlace, ownPath } from '../replicator/walk/keep.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import type { Common, Deps } from './verb.ts'
import { partOf } from './walk.ts'

/** Does it, and says in a few words what was done. */
export type Decide = (decision: Decision) => Promise<string>

export function keep(as: string | undefined): Decide {
	const path = as === undefined ? undefined : partOf(as)
	if (as !== undefined && !path) throw new UserError(`${as}: not a name in the tree`, EXIT.usage)
	return async (decision) => {
		if (decision.row.aside === null) {
			if (path) throw new UserError('--as: it was left where it stood, and has its name', EXIT.refused)
			await keepInPlace(decision)
			return 'it is the file now'
		}
		const { path: own, needsWalk } = await keepAs(decision, path ?? ownPath(decision.row))
		return needsWalk ? `moved to ${own}; cairn walk -p ${own} adopts it` : `kept as ${own}`
	}
}

export const drop: Decide = async (decision) => {
	await (decision.row.aside === null ? dropInPlace(decision) : dropAside(decision))
	return 'dropped'
}

interface Chosen {
	ids: number[]
	all: boolean
	/** The one that is kept gets a name. */
	isNamed: boolean
}

export async function decide({ ids, all, isNamed }: Chosen, options: Common, deps: Deps, how: Decide): Promise<void> {
	if (all === ids.length > 0) throw new UserError('conflicts: which? Name their ids, or --all', EXIT.usage)
	if (ids.some((id) => !Number.isSafeInteger(id) || id < 1)) throw new UserError('conflicts: an id is a number', EXIT.usage)
	if (isNamed && (all || ids.length > 1)) throw new UserError('--as names one: give one id', EXIT.usage)
	const hashing = openHashing(1)
	try {
		await withFilesystem(options, deps, async (fs) => {
			for await (const row of all ? everyRow(fs) : chosenRows(fs, ids)) await decideOne(row, { fs, hashing }, deps, how)
		})
	} finally {
		hashing.end()
	}
}

async function* everyRow({ catalogue }: Filesystem): AsyncGenerator<ConflictRow> {
	for (let after = 0; ; ) {
		const [row] = await conflicts.list(catalogue, after, 1)
		if (!row) return
		yield row
		after = row.id
	}
}

/** All of them are there before the first is touched. */
async function* chosenRows({ catalogue }: Filesystem, ids: readonly number[]): AsyncGenerator<ConflictRow> {
	const rows: ConflictRow[] = []
	for (const id of ids) {
		const row = await conflicts.find(catalogue, id)
		if (!row) throw new UserError(`there is no conflict ${id}; see cairn conflicts list`, EXIT.refused)
		rows.push(row)
	}
	yield* rows
}

async function decideOne(row: ConflictRow, { fs, hashing }: Omit<Decision, 'node' | 'row'>, deps: Deps, how: Decide): Promise<void> {
	const what = `conflict ${row.id} (${Buffer.from(row.path)})`
	try {
		const node = fs.nodes.get(row.node_id)
		if (!node || !takesChanges(node)) throw new Error(`its node is away${node ? `: ${node.health.reason || node.row.state}` : ''}`)
		deps.print(`${what}: ${await how({ fs, node, hashing, row })}`)
	} catch (error) {
		deps.warn(`${what}: ${(error as Error).message}`)
		process.exitCode = EXIT.left
	}
}
