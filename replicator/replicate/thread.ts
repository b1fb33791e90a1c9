/** A thread that copies between trees of this machine: reading, hashing and writing keep it busy, and nobody waits for it. */
import { constants } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { codeOf, Errno, fail } from '../../core/errors.ts'
import { close, fsync, lastError, libc } from '../../core/libc.ts'
import { O_CLOEXEC, openBeneath } from '../../core/nodes/beneath.ts'
import { type LocalOperations, openLocalOperations } from '../../core/nodes/local.ts'
import { openRoot, type Root } from '../../core/nodes/root.ts'
import { run } from '../../core/op.ts'
import { type Copied, type Conditions, copyFile, discard, type Order, PIECE_BYTES, sideOf } from './copy.ts'
import {
	type CopyAnswer,
	type CopyMessage,
	decodePath,
	type Failure,
	LEAVE,
	type Move,
	type OrderMessage,
	type PlaceMessage,
	type Report,
	type Request,
	STOP,
	type ThreadData,
	type Tree,
} from './messages.ts'

const port = parentPort
if (port === null) throw new Error('a copying thread is started as a worker thread')
const control = new Int32Array((workerData as ThreadData).control)

const syncfs = libc<[fd: number]>('int syncfs(int fd)')
const syncFileRange = libc<[fd: number, offset: number, length: number, flags: number]>(
	'int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)',
)
const SYNC_FILE_RANGE_WRITE = 2
/** After this much the disk begins to write, so that the sync at the end has little left to do. */
const WRITE_BACK_BYTES = 16 * 1024 ** 2
/** More directories than this are synced with everything else on their disk. */
const DIRECTORIES_MAX = 8

interface OpenTree {
	operations: LocalOperations
	root: Root
	/** A descriptor that hears of every failure to write since it was opened. */
	disk: number
}

const trees = new Map<string, OpenTree>()
const buffer = new Uint8Array(PIECE_BYTES)
let leave = 0

port.on('message', (request: Request) => {
	try {
		if ('copy' in request) tell({ answers: copyAll(request.copy) })
		else if ('place' in request) tell({ placed: place(request.place) })
		else {
			const { on, paths } = request.sync
			syncNames(openSide(on, 'target'), paths)
			tell({ synced: true })
		}
	} catch (error) {
		tell({ failure: toFailure(error) })
	}
})

function tell(report: Report): void {
	port?.postMessage(report)
}

function toFailure(error: unknown): Failure {
	return { code: codeOf(error), message: (error as Error).message, side: sideOf(error) }
}

/** Only if it is the node: what is mounted at the path may have changed since the last time. */
function open({ root, uuid }: Tree): OpenTree {
	let tree = trees.get(root)
	if (tree === undefined) {
		const own = openRoot(root)
		tree = { operations: openLocalOperations(root), root: own, disk: -1 }
		trees.set(root, tree)
	}
	try {
		tree.operations.identify(uuid)
		tree.root.identify(uuid)
	} catch (error) {
		if (tree.disk !== -1) close(tree.disk)
		tree.disk = -1
		throw error
	}
	if (tree.disk === -1) tree.disk = openDirectory(tree, Buffer.alloc(0))
	return tree
}

function openDirectory({ root }: OpenTree, path: Buffer): number {
	return openBeneath(root.descriptor(), path, path.length, constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC, 0)
}

function openSide(tree: Tree, side: 'source' | 'target'): OpenTree {
	try {
		return open(tree)
	} catch (error) {
		throw Object.assign(error as Error, { side })
	}
}

function copyAll({ from, to, orders, isPaced }: CopyMessage): CopyAnswer[] {
	const source = openSide(from, 'source')
	const target = openSide(to, 'target')
	const conditions = isPaced ? { ...unpaced, pace: ask } : unpaced
	const decoded = orders.map(toOrder)
	const answers = decoded.map((order) =>
		attempt(() => run(copyFile(source.operations, target.operations, order, conditions)) as Copied),
	)
	if (decoded.every((order) => order.isSynced) || syncfs(target.disk) === 0) return answers
	// Nobody knows which of them it was.
	const failure = { ...toFailure(lastError('syncfs')), side: 'target' as const }
	for (const order of decoded) if (!order.isSynced) run(discard(target.operations, order))
	return answers.map((answer, index) => (decoded[index].isSynced ? answer : failure))
}

function attempt(copy: () => Copied): CopyAnswer {
	try {
		return copy()
	} catch (error) {
		return toFailure(error)
	}
}

function toOrder(order: OrderMessage): Order {
	return {
		...order,
		from: decodePath(order.from),
		aside: decodePath(order.aside),
		further: order.further.map(decodePath),
		to: order.to.map(decodePath),
	}
}

const unpaced: Conditions = {
	buffer,
	pace() {
		if (Atomics.load(control, STOP) !== 0) fail('ECANCELED')
	},
	written(fd, position, bytes) {
		const end = position + bytes
		if (end % WRITE_BACK_BYTES !== 0) return
		// Not every filesystem can; the sync that follows does it all then.
		syncFileRange(fd, end - WRITE_BACK_BYTES, WRITE_BACK_BYTES, SYNC_FILE_RANGE_WRITE)
		tell({ moved: WRITE_BACK_BYTES })
	},
}

function ask(bytes: number): void {
	unpaced.pace(bytes)
	if (bytes === 0) return
	tell({ asks: bytes })
	while (Atomics.load(control, LEAVE) === leave) Atomics.wait(control, LEAVE, leave)
	leave++
	unpaced.pace(bytes)
}

function place({ on, moves }: PlaceMessage): boolean[] {
	const tree = openSide(on, 'target')
	const placed = moves.map((each) => move(tree, each))
	syncNames(
		tree,
		moves.filter((_, index) => placed[index]).map(({ to }) => to),
	)
	return placed
}

/** Whatever is not as it should be is for those who can do more about it. */
function move({ operations }: OpenTree, { from, to, ino }: Move): boolean {
	try {
		const path = decodePath(to)
		operations.rename(decodePath(from), path)
		return operations.stat(path).ino === ino
	} catch (error) {
		if (error instanceof Errno) return false
		throw error
	}
}

function syncNames(tree: OpenTree, paths: readonly string[]): void {
	const directories = new Set(paths.map((path) => path.slice(0, Math.max(0, path.lastIndexOf('/')))))
	if (directories.size <= DIRECTORIES_MAX) for (const path of directories) syncDirectory(tree, decodePath(path))
	else if (syncfs(tree.disk) === -1) throw lastError('syncfs')
}

function syncDirectory(tree: OpenTree, path: Buffer): void {
	try {
		const fd = openDirectory(tree, path)
		const result = fsync(fd)
		const error = result === -1 ? lastError('fsync of a directory') : undefined
		close(fd)
		if (error) throw error
	} catch (error) {
		// Removed or renamed since: whoever did that has changed more than this.
		if (!(error instanceof Errno) || !['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code)) throw error
	}
}
