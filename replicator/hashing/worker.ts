/** A thread that hashes: it reads the files of local nodes and answers. See packets.ts for what is said. */
import { parentPort } from 'node:worker_threads'
import { codeOf } from '../../core/errors.ts'
import { close } from '../../core/libc.ts'
import { openRoot, type Root } from '../../core/nodes/root.ts'
import { mayHaveXattrs } from '../../core/nodes/xattrs.ts'
import { finishReading, hashWhole, openRegular, type Reading, readOn, startReading, WHOLE_BYTES_MAX } from './content.ts'
import { HASH_BYTES, NUMBERS_PER_FILE, packError, packStat, packXattrs, type Place, type Reply, type Request, TOO_LARGE } from './packets.ts'

const port = parentPort
if (port === null) throw new Error('hashing is started as a worker thread')

/** What is mounted at a path may change: it is believed to be the node for this long. */
const IDENTIFIED_FOR_MS = 1_000

interface Known {
	root: Root
	untilMs: number
}

const roots = new Map<string, Known>()
const readings = new Map<number, Reading>()

port.on('message', (request: Request) => {
	const reply = attempt(request)
	if (reply) port.postMessage(reply, reply.batch ? [reply.batch.numbers.buffer as ArrayBuffer, reply.batch.hashes.buffer as ArrayBuffer] : [])
})

function attempt(request: Request): Reply | undefined {
	try {
		return perform(request)
	} catch (error) {
		drop(request.id)
		return { id: request.id, code: codeOf(error), message: (error as Error).message }
	}
}

function perform(request: Request): Reply | undefined {
	switch (request.ask) {
		case 'batch':
			return hashBatch(request)
		case 'begin':
			readings.set(request.id, startReading(openRegular(descriptorOf(request), request.path)))
			return { id: request.id }
		case 'piece':
			return hashPiece(request.id, request.bytes)
		case 'drop':
			return drop(request.id)
	}
}

function descriptorOf({ root, uuid }: Place): number {
	const known = roots.get(root) ?? { root: openRoot(root), untilMs: 0 }
	roots.set(root, known)
	const now = performance.now()
	if (now >= known.untilMs) {
		known.untilMs = 0
		known.root.identify(uuid)
		known.untilMs = now + IDENTIFIED_FOR_MS
	}
	return known.root.descriptor()
}

function hashBatch(request: Request & { ask: 'batch' }): Reply {
	const { paths, ends, id } = request
	const root = descriptorOf(request)
	const numbers = new Float64Array(ends.length * NUMBERS_PER_FILE)
	const hashes = Buffer.alloc(ends.length * HASH_BYTES)
	for (let at = 0, from = 0; at < ends.length; from = ends[at++]) {
		try {
			hashInto({ numbers, hashes }, at, root, paths.subarray(from, ends[at]))
		} catch (error) {
			packError(numbers, at, codeOf(error))
		}
	}
	return { id, batch: { numbers, hashes } }
}

function hashInto({ numbers, hashes }: { numbers: Float64Array; hashes: Buffer }, at: number, root: number, path: Uint8Array): void {
	const opened = openRegular(root, path)
	try {
		packStat(numbers, at, opened.stat)
		packXattrs(numbers, at, mayHaveXattrs(opened.fd))
		if (opened.stat.size > WHOLE_BYTES_MAX) numbers[at * NUMBERS_PER_FILE] = TOO_LARGE
		else hashes.write(hashWhole(opened), at * HASH_BYTES, 'hex')
	} finally {
		close(opened.fd)
	}
}

function hashPiece(id: number, bytes: number): Reply {
	const reading = readings.get(id) as Reading
	if (!readOn(reading, bytes)) return { id }
	const whole = { stat: reading.stat, hash: finishReading(reading), mayHaveXattrs: mayHaveXattrs(reading.fd) }
	drop(id)
	return { id, whole }
}

function drop(id: number): undefined {
	const reading = readings.get(id)
	if (!reading) return
	readings.delete(id)
	close(reading.fd)
}
