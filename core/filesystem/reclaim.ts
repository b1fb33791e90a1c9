/**
 * A process that others took for dead and that lives (it was suspended, or cut off) has lost its pins, and somebody may have written to the same
 * files on other nodes. Where its copy is the content still it goes on as if nothing had been. Where it is not, what others have published is the file,
 * and what is written here is none: it is kept when it is closed.
 */
import type { EntryRow } from '../catalogue/entries.ts'
import * as entries from '../catalogue/entries.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { IntentRow } from '../catalogue/intents.ts'
import * as intents from '../catalogue/intents.ts'
import { REPLICA, type ReplicaRow } from '../catalogue/replicas.ts'
import * as replicas from '../catalogue/replicas.ts'
import type { WriterRow } from '../catalogue/writers.ts'
import * as writers from '../catalogue/writers.ts'
import { fail } from '../errors.ts'
import type { Stat } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { isAt } from './is-at.ts'
import { inTurn, isAsEntered, type OpenFile } from './open-files.ts'
import { mayBeObstructed } from './obstructed.ts'
import { pathsOf, pathsOfNames } from './paths.ts'
import { STANDING_ROWS_MAX } from './standing.ts'

/** Every file that is open for writing here, each when it is not being published. */
export function* reclaimAll(fs: Filesystem): Op<void> {
	const written = [...fs.open.values()].filter((file) => file.writers > 0 && !file.orphan && !file.parted)
	for (const file of written) file.pinInDoubt = true
	for (const file of written) {
		try {
			yield* inTurn(file, function* () {
				if (file.writers > 0) yield* reclaim(fs, file)
			})
		} catch (error) {
			// Its next publish asks again.
			fs.report(`node ${file.node.name}: ${file.path}: ${(error as Error).message}`)
		}
	}
}

/** In its turn. True when the pin stands again and what is written here is the file; else it has parted from it for good. */
export function* reclaim(fs: Filesystem, file: OpenFile): Op<boolean> {
	if (file.parted) return false
	file.pinInDoubt = true
	const stat = yield* wait(file.node.operations.fstat(file.fd))
	const claimed = yield* wait(transact(fs, (tx) => claim(fs, tx, file, stat)))
	if (claimed === 'waits') fail('EIO', 'what its node has yet to do decides whether it is the file still')
	if (claimed === 'ours' && !(yield* isAtItsName(fs, file, stat))) return part(fs, file)
	if (claimed === 'lost') return part(fs, file)
	file.pinInDoubt = false
	return true
}

function part(fs: Filesystem, file: OpenFile): boolean {
	file.parted = true
	fs.report(`node ${file.node.name}: ${file.path}: others have changed it while this process was taken for dead: what is written here is not the file any more`)
	return false
}

/** `gone`: no file is left that others could have written to. */
type Claim = 'ours' | 'lost' | 'waits' | 'gone'

/** The pin first, and then the look at the node: from the commit on nobody puts another content there. */
function* claim(fs: Filesystem, tx: Transaction, { id, node, known }: OpenFile, stat: Stat): Op<Claim> {
	const [[row], copies, pins, standing, names] = (yield* wait(
		tx.read(
			files.findQuery(id, fs.capabilities.forUpdate),
			replicas.ofFileQuery(id),
			writers.ofFileQuery(id),
			intents.standingQuery(node.id, STANDING_ROWS_MAX),
			entries.namesQuery(id, 1),
		),
	)) as [FileRow[], ReplicaRow[], WriterRow[], IntentRow[], EntryRow[]]
	if (!row || names.length === 0) return 'gone'
	const own = copies.find((copy) => copy.node_id === node.id)
	const isContent = own?.version === row.version && own.state !== REPLICA.suspect
	if (!isContent || pins.some((pin) => pin.node_id !== node.id)) return 'lost'
	// Of what a server says of a name it may be behind: there the file's times have to be those of this copy.
	if (node.remote && !isAsEntered(row, known) && !isAsEntered(row, stat)) return 'lost'
	const [{ path }] = yield* pathsOfNames(fs, names, tx)
	if (mayBeObstructed(fs, standing, path)) return 'waits'
	writers.insert(tx, id, fs.client, node.id, fs.capabilities)
	return 'ours'
}

/** Another copy of the same version may have taken its place. */
function* isAtItsName(fs: Filesystem, { id, node }: OpenFile, stat: Stat): Op<boolean> {
	let isThere = false
	try {
		const [named] = yield* pathsOf(fs, id, 1)
		isThere = named !== undefined && (yield* isAt(node, named.path, stat))
	} finally {
		if (!isThere) fs.later.add(writers.removeQuery(id, fs.client))
	}
	return isThere
}
