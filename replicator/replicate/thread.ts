/** A thread that copies between trees of this machine: reading, hashing and writing keep it busy, and nobody waits for it. */
import { parentPort, workerData } from 'node:worker_threads'
import { Errno, fail } from '../../core/errors.ts'
import { libc, RENAME_NOREPLACE, renameat2 } from '../../core/libc.ts'
import { decodeStat, statInto } from '../../core/nodes/stat.ts'
import { run } from '../../core/op.ts'
import { type Conditions, type Copied, copyFile, discard, type Order, PIECE_BYTES } from './copy.ts'
import { alignedBuffer, writeDirectly } from './direct.ts'
import {
	type CopyAnswer,
	type CopyMessage,
	decodePath,
	type Far,
	LEAVE,
	type OrderMessage,
	type PlaceMessage,
	type Report,
	type Request,
	type SmallAnswers,
	type SmallMessage,
	STOP,
	type ThreadData,
	toFailure,
	type Tree,
} from './messages.ts'
import { copySmall } from './small.ts'
import { leaveTrees, type OpenTree, openSide, syncNames, syncTree } from './trees.ts'
import { type Ways, waysOf } from './ways.ts'

const port = parentPort
if (port === null) throw new Error('a copying thread is started as a worker thread')
const control = new Int32Array((workerData as ThreadData).control)

const syncFileRange = libc<[fd: number, offset: number, length: number, flags: number]>(
	'int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)',
)
const SYNC_FILE_RANGE_WRITE = 2
/** After this much the disk begins to write, so that the sync at the end has little left to do. */
const WRITE_BACK_BYTES = 16 * 1024 ** 2
/** What is written at once: a disk is quick with large pieces only. */
const BUFFER_BYTES = 4 * PIECE_BYTES
const buffer = alignedBuffer(BUFFER_BYTES)
let leave = 0
let leaveFar = () => {}

port.on('message', async (request: Request) => {
	try {
		if ('copy' in request) tell({ answers: await copyAll(request.copy) })
		else if ('small' in request) tell({ small: copyMany(request.small) })
		else if ('place' in request) tell({ placed: place(request.place) })
		else if ('rest' in request) leaveAll()
		else {
			const { on, paths } = request.sync
			syncNames(openSide(on, 'target'), paths)
			tell({ synced: true })
		}
	} catch (error) {
		tell({ failure: toFailure(error) })
	}
})

/** Nothing that somebody unmounts is to be in use by who does nothing there. */
function leaveAll(): void {
	leaveTrees()
	leaveFar()
}

function tell(report: Report): void {
	port?.postMessage(report)
}

async function copyAll({ from, to, orders, isPaced }: CopyMessage): Promise<CopyAnswer[]> {
	const target = openSide(to, 'target')
	const decoded = orders.map(toOrder)
	const answers = 'sftp' in from ? await copyOver(from, target, decoded, isPaced) : copyBetween(from, target, decoded, isPaced)
	if (decoded.every((order) => order.isSynced)) return answers
	try {
		syncTree(target)
		return answers
	} catch (error) {
		// Nobody knows which of them it was.
		const failure = { ...toFailure(error), side: 'target' as const }
		for (const order of decoded) if (!order.isSynced) run(discard(target.operations, order))
		return answers.map((answer, index) => (decoded[index].isSynced ? answer : failure))
	}
}

function copyBetween(from: Tree, target: OpenTree, orders: readonly Order[], isPaced: boolean): CopyAnswer[] {
	const source = openSide(from, 'source')
	const conditions = conditionsOf(isPaced)
	return orders.map((order) => copyOne(source, target, order, conditions))
}

async function copyOver(from: Far, target: OpenTree, orders: readonly Order[], isPaced: boolean): Promise<CopyAnswer[]> {
	// Only where it is needed: the library is most of a thread's memory.
	const { copyFar, leaveReaches } = await import('./far.ts')
	leaveFar = leaveReaches
	return await copyFar(from, target, orders, isPaced ? { ...unpaced, pace: askers() } : unpaced)
}

function copyOne(source: OpenTree, target: OpenTree, order: Order, conditions: Conditions): CopyAnswer {
	try {
		return run(copyFile(source.operations, target.operations, order, conditions)) as Copied
	} catch (error) {
		return toFailure(error)
	}
}

function copyMany(message: SmallMessage): SmallAnswers {
	const { from, to, isPaced } = message
	const conditions = conditionsOf(isPaced)
	return copySmall(message, conditions, (order) => copyOne(openSide(from, 'source'), openSide(to, 'target'), order, conditions))
}

function conditionsOf(isPaced: boolean): Conditions {
	return isPaced ? { ...unpaced, pace: ask } : unpaced
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
	direct: writeDirectly,
	pace() {
		if (Atomics.load(control, STOP) !== 0) fail('ECANCELED')
	},
	written(fd, position, bytes) {
		if (bytes === BUFFER_BYTES) tell({ moved: bytes })
		const end = position + bytes
		if (end % WRITE_BACK_BYTES !== 0) return
		// Not every filesystem can; the sync that follows does it all then.
		syncFileRange(fd, end - WRITE_BACK_BYTES, WRITE_BACK_BYTES, SYNC_FILE_RANGE_WRITE)
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

/** The same of those who go on beside each other: they ask in turns, and connections are looked after meanwhile. */
function askers(): (bytes: number) => Promise<void> {
	let turn = Promise.resolve()
	return (bytes) => {
		turn = turn.then(async () => {
			unpaced.pace(bytes)
			if (bytes === 0) return
			tell({ asks: bytes })
			while (Atomics.load(control, LEAVE) === leave) await Atomics.waitAsync(control, LEAVE, leave).value
			leave++
			unpaced.pace(bytes)
		})
		return turn
	}
}

function place({ on, from, to, inos, areNew, isSynced }: PlaceMessage): boolean[] {
	const tree = openSide(on, 'target')
	const [asides, names] = [from, to].map((paths) => waysOf(paths, tree.root.descriptor()))
	const placed: boolean[] = []
	try {
		for (const [index, ino] of inos.entries()) {
			asides.next()
			names.next()
			placed.push(move(asides, names, { ino, isNew: areNew[index] !== 0 }))
		}
	} finally {
		asides.end()
		names.end()
	}
	if (isSynced) {
		const names = to.split('\0').filter((_, index) => placed[index])
		syncNames(tree, names)
	}
	return placed
}

/** Whatever is not as it should be is for those who can do more about it. */
function move(aside: Ways, name: Ways, { ino, isNew }: { ino: number; isNew: boolean }): boolean {
	try {
		const flags = isNew ? RENAME_NOREPLACE : 0
		if (renameat2(aside.directory(), aside.name(), name.directory(), name.name(), flags) === -1) return false
		return statInto(name.directory(), name.name()) === 0 && decodeStat().ino === ino
	} catch (error) {
		if (error instanceof Errno) return false
		throw error
	}
}
