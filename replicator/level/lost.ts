/**
 * A node's tree was lost. Either the node gets a new one, and all its copies are to be made again; or it will not come back, and
 * its copies are to be made elsewhere. A file that had its only copy there is named and stays in the tree: nothing is forgotten.
 */
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as files from '../../core/catalogue/files.ts'
import type { FileRow } from '../../core/catalogue/files.ts'
import * as losses from '../../core/catalogue/losses.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import { REPLICA, type ReplicaRow } from '../../core/catalogue/replicas.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import type { NodeId, Path } from '../../core/ids.ts'
import { run as drive, type Op, wait } from '../../core/op.ts'
import { classById } from '../../core/placement/placement.ts'
import type { Run } from '../run.ts'
import { carryOut, FILES_AT_ONCE } from './decide.ts'
import { type LevelNode, readNodes, reckon } from './nodes.ts'
import { type Held, pagesOfNode, pathToTell } from './pages.ts'
import { planFile } from './plan.ts'

const INTENTS_AT_ONCE = 1_000
/** What is changed becomes `wanted`: those that are so already come first, and are not met again. */
const STATES = [REPLICA.wanted, REPLICA.good, REPLICA.suspect, REPLICA.surplus] as const

/** Every copy is to be made anew; what was to go has gone. True when it came to its end. */
export async function loseCopies(fs: Filesystem, run: Run, node: NodeId): Promise<boolean> {
	return await overFiles(fs, run, node, {
		concerns: (copy) => copy.state !== REPLICA.wanted || copy.version > 0,
		*each(tx, { row }, copy) {
			if (copy.state === REPLICA.surplus) return replicas.remove(tx, row.id, node)
			replicas.setLost(tx, row.id, node)
		},
	})
}

/** Every copy is to be made elsewhere. */
export async function giveUpCopies(fs: Filesystem, run: Run, node: NodeId): Promise<boolean> {
	const nodes = await drive(readNodes(fs))
	nodes.set(node, { ...(nodes.get(node) as LevelNode), role: 'gone', reliable: false })
	return await overFiles(fs, run, node, {
		concerns: () => true,
		*each(tx, { row, copies }) {
			const plan = planFile(row, classById(fs, row.class_id), copies, nodes, { keepSpare: true })
			carryOut(tx, row.id, { ...plan, drop: [] }, copies)
			replicas.remove(tx, row.id, node)
			// Reckoned twice if the transaction runs twice: a little less is thought to fit than does.
			reckon(nodes, row.size, { added: plan.add, gone: [], pendingMax: Number.POSITIVE_INFINITY })
		},
	})
}

interface Found {
	row: FileRow
	copies: ReplicaRow[]
}

interface Change {
	/** Whether there is anything to do about a copy of the node. */
	concerns(copy: ReplicaRow): boolean
	each(tx: Transaction, found: Found, copy: ReplicaRow): Op<void>
}

async function overFiles(fs: Filesystem, run: Run, node: NodeId, change: Change): Promise<boolean> {
	for (const state of STATES) {
		for await (const page of pagesOfNode(fs, node, state, 0)) {
			if (run.signal.aborted) return false
			const concerned = page.files.filter((file) => file.copies.some((copy) => copy.node_id === node && change.concerns(copy)))
			run.expect(concerned.length, 0)
			for (let from = 0; from < concerned.length; from += FILES_AT_ONCE)
				await changeSome(fs, run, { node, change, some: concerned.slice(from, from + FILES_AT_ONCE) })
		}
	}
	return true
}

async function changeSome(
	fs: Filesystem,
	run: Run,
	{ node, change, some }: { node: NodeId; change: Change; some: Held[] },
): Promise<void> {
	const found = await transact(fs, function* (tx) {
		const answers = yield* wait(
			tx.read(...some.flatMap(({ id }) => [files.findQuery(id, fs.capabilities.forUpdate), replicas.ofFileQuery(id)])),
		)
		const those: Found[] = []
		for (const index of some.keys()) {
			const [[row], copies] = answers.slice(index * 2) as [FileRow[], ReplicaRow[]]
			const copy = row && copies.find(({ node_id }) => node_id === node)
			if (!copy || !change.concerns(copy)) continue
			yield* change.each(tx, { row, copies }, copy)
			those.push({ row, copies })
		}
		return those
	})
	for (const each of found) {
		if (isOnlyThere(fs, each, node)) run.trouble(await pathToTell(fs, each.row.id), 'its only copy was there')
		else run.done('noted', each.row.size)
	}
}

/** No other node that will be there has its content. */
function isOnlyThere(
	fs: Filesystem,
	{ row, copies }: { row: Pick<FileRow, 'version'>; copies: readonly ReplicaRow[] },
	node: NodeId,
): boolean {
	const hasContent = ({ state, version }: ReplicaRow) =>
		(state === REPLICA.good || state === REPLICA.surplus) && version === row.version
	return (
		copies.some((copy) => copy.node_id === node && hasContent(copy)) &&
		!copies.some((copy) => copy.node_id !== node && hasContent(copy) && fs.nodes.has(copy.node_id))
	)
}

/** The paths of files that have their only copy there, the first of them, and how many there are. */
export async function onlyThere(fs: Filesystem, node: NodeId, shownMax: number): Promise<{ many: number; paths: Array<Path | string> }> {
	const found = { many: 0, paths: [] as Array<Path | string> }
	for (const state of STATES) {
		for await (const page of pagesOfNode(fs, node, state, 0)) {
			for (const file of page.files) {
				if (!isOnlyThere(fs, { row: file, copies: file.copies }, node)) continue
				found.many++
				if (found.paths.length < shownMax) found.paths.push(await pathToTell(fs, file.id))
			}
		}
	}
	return found
}

export async function forgetIntents(fs: Filesystem, node: NodeId): Promise<void> {
	for (;;) if (!(await transact(fs, (tx) => losses.forgetIntents(tx, node, INTENTS_AT_ONCE)))) return
}
