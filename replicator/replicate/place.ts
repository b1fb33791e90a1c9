/** Bringing copies to their names on the node, and making sure that they came there. */
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import * as files from '../../core/catalogue/files.ts'
import * as intents from '../../core/catalogue/intents.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import { isOurs } from '../../core/filesystem/alive.ts'
import { applyIntent } from '../../core/filesystem/apply-intent.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { leave } from '../../core/filesystem/intents.ts'
import { makeDirectory } from '../../core/filesystem/way-on-node.ts'
import { Errno } from '../../core/errors.ts'
import type { FileId, Path } from '../../core/ids.ts'
import { takesChanges } from '../../core/nodes/service.ts'
import { run as drive } from '../../core/op.ts'
import type { Node } from '../../core/nodes/node.ts'
import { isNodeTrouble } from '../../core/nodes/trouble.ts'
import type { Run } from '../run.ts'
import { look } from './look.ts'
import { encodePath, treeOf } from './messages.ts'
import { patiently } from './patience.ts'
import { joinWays } from './ways.ts'
import type { Round } from './round.ts'
import type { Directory } from './tree-paths.ts'

/** A copy that counts, and what was decided so that it comes to its names. */
export interface Brought {
	file: FileId
	ino: number
	intents: readonly Intent[]
}

/**
 * The directories on the way, with the attributes the catalogue has for them. Whatever else stands there is kept aside. Where
 * one cannot be made the copies below it do not come to their places either, and are dealt with then.
 */
export async function makeWay(round: Round, directories: ReadonlySet<Directory>): Promise<void> {
	const { node, run } = round.rep
	for (const directory of directories) {
		try {
			await makeOne(round, directory)
		} catch (error) {
			if (!(error instanceof Errno)) throw error
			run.note(`node ${node.name}: ${directory.path} cannot be made: ${error.message}`)
		}
	}
}

async function makeOne(round: Round, directory: Directory): Promise<void> {
	const { above, id, path } = directory
	if (above === undefined) return
	const key = `${id}:${path.toString('latin1')}`
	if (round.made.has(key)) return
	await makeOne(round, above)
	const { fs, node, run } = round.rep
	const row = await patiently(run, async () => files.find(fs.catalogue, id))
	if (!row) return
	await drive(makeDirectory(fs, node, { id, path, attributes: { mode: row.mode, uid: row.uid, gid: row.gid } }))
	round.made.add(key)
}

/**
 * Carries out what one transaction decided; what did not come to its place is wanted again. The names reach the disk before
 * the intents that stand for them go: otherwise a power cut could leave a copy that counts without its name, and another
 * might have been removed for it. Who stood still since may have been taken for dead, and a link that others made then may be removed by now.
 */
export async function carryOut<T extends Brought>(round: Round, entered: readonly T[]): Promise<T[]> {
	const { fs, node } = round.rep
	const all = entered.flatMap((each) => each.intents)
	if (!all.every(({ token }) => isOurs(fs, token))) {
		leave(fs, undefined, all)
		return []
	}
	const isPlaced = await placeOnThread(round, entered)
	const done: Intent[] = []
	const missed: T[] = []
	for (const [index, each] of entered.entries()) {
		const left = isPlaced[index] ? [] : await carryOutAll(round, each.intents)
		done.push(...each.intents.slice(0, each.intents.length - left.length))
		// The node is in trouble: it stands, and is carried out when the node is well.
		for (const intent of left) fs.later.add(intents.leaveQuery(fs.client, intent))
		if (!isPlaced[index] && left.length === 0 && !(await isInPlace(round, each))) missed.push(each)
	}
	await finish(round, done, isPlaced.every(Boolean))
	for (const { file } of missed) await wantAgain(round, file)
	if (node.health.up) round.sources.forgetStanding()
	return missed
}

/** Which of them have their names, and on the disk. What is not as simple as that is done again by `carryOutAll`. */
async function placeOnThread({ rep: { node }, threads }: Round, entered: readonly Brought[]): Promise<boolean[]> {
	const isSimple = (intent: Intent) => intent.op === 'rename'
	const simple = node.remote || !takesChanges(node) ? [] : entered.filter((each) => each.intents.every(isSimple))
	if (simple.length === 0) return entered.map(() => false)
	const moves = simple.flatMap((each) => each.intents)
	const placed = await threads.place({
		on: treeOf(node),
		from: joinWays(moves.map(({ path }) => path)),
		to: joinWays(moves.map(({ path, toPath }) => toPath ?? path)),
		inos: new Float64Array(simple.flatMap(({ ino, intents: list }) => list.map(() => ino))),
		areNew: Uint8Array.from(moves, ({ isNew }) => (isNew ? 1 : 0)),
		isSynced: true,
	})
	let at = 0
	const isPlaced = new Map(simple.map((each) => [each, each.intents.map(() => placed[at++]).every(Boolean)]))
	return entered.map((each) => isPlaced.get(each) ?? false)
}

async function finish({ rep: { fs, node, run }, threads }: Round, done: readonly Intent[], isSynced: boolean): Promise<void> {
	if (done.length === 0) return
	const isSafe = isSynced || node.remote || (await syncNames(threads, node, run, done))
	const queries = isSafe ? intents.doneQueries(fs.client, done) : done.map((intent) => intents.leaveQuery(fs.client, intent))
	for (const query of queries) fs.later.add(query)
	for (const { token } of done) fs.carrying.delete(token)
}

async function syncNames(threads: Round['threads'], node: Node, run: Run, done: readonly Intent[]): Promise<boolean> {
	try {
		const named = done.map(({ op, path, toPath }) => encodePath(op === 'symlink' || toPath === null ? path : toPath))
		await threads.sync({ on: treeOf(node), paths: named })
		return true
	} catch (error) {
		run.note(`node ${node.name}: names of new copies could not be brought to the disk: ${(error as Error).message}`)
		return false
	}
}

/** Those that have to stand until the node is well. */
async function carryOutAll({ rep: { fs, node } }: Round, list: readonly Intent[]): Promise<readonly Intent[]> {
	for (const [index, intent] of list.entries()) {
		if (!takesChanges(node)) return list.slice(index)
		try {
			await drive(applyIntent(fs, node, intent))
		} catch (error) {
			if (!isNodeTrouble(error)) throw error
			return list.slice(index)
		}
	}
	return []
}

async function isInPlace({ rep: { node } }: Round, { ino, intents: list }: Brought): Promise<boolean> {
	for (const { op, toPath } of list) {
		if (op === 'rename' && toPath && (await inodeAt(node.operations, toPath)) !== ino) return false
	}
	return true
}

async function inodeAt(operations: Round['rep']['node']['operations'], path: Path): Promise<number | undefined> {
	try {
		return (await operations.stat(path)).ino
	} catch {
		return undefined
	}
}

/** Unless the file changed hands meanwhile: somebody may have removed or replaced it the moment it was there. */
async function wantAgain({ rep: { fs, node, run } }: Round, file: FileId): Promise<void> {
	await patiently(run, async () =>
		transact(fs, function* (tx) {
			const { there } = yield* look(tx, node.id, [file], fs.capabilities.forUpdate)
			if (there.has(file)) replicas.setState(tx, file, node.id, REPLICA.wanted)
		}),
	)
}
