/** A thread that hashes: it reads the files of local nodes and answers. See packets.ts for what is said. */
import { parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { codeOf } from '../../core/errors.ts'
import { close } from '../../core/libc.ts'
import { openRoot, type Root } from '../../core/nodes/root.ts'
import { mayHaveXattrs } from '../../core/nodes/xattrs.ts'
import { finishReading, hashInto, open, openRegular, type Reading, readOn, startReading } from './content.ts'
import { gather } from './gather.ts'
import { newPacket, type Packet, packError, type Place, type Reply, type Request } from './packets.ts'
import { scout } from './scout.ts'
import { survey } from './survey.ts'

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

const nextRequest = (): Request | undefined => receiveMessageOnPort(port)?.message
const reply = (answer: Reply) => port.postMessage(answer, buffersOf(answer).map(({ buffer }) => buffer as ArrayBuffer))

port.on('message', answer)

function answer(request: Request): void {
	const found = attempt(request)
	if (found) reply(found)
}

/** They change their owner. */
function buffersOf({ batch, gathered }: Reply): ArrayBufferView[] {
	if (gathered) return gathered.flatMap((each) => each?.numbers ?? [])
	return batch ? [batch.numbers, batch.hashes] : []
}

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
		case 'survey':
			return { id: request.id, surveys: survey(descriptorOf(request), request) }
		case 'gather':
			return { id: request.id, gathered: gather(descriptorOf(request), request) }
		case 'scout':
			return lookAround(request)
		case 'begin':
			readings.set(request.id, startReading(openRegular(descriptorOf(request), request.path)))
			return { id: request.id }
		case 'piece':
			return hashPiece(request.id, request.bytes)
		case 'drop':
			return drop(request.id)
		case 'rest':
			return leaveAll()
	}
}

/** Others are answered in between; who wants files read wants this thread for himself. */
function lookAround(request: Request & { ask: 'scout' }): Reply {
	const { id } = request
	let isAlone = true
	scout(descriptorOf(request), request, (scouted) => {
		reply({ id, scouted })
		for (let other = nextRequest(); other; other = nextRequest()) {
			isAlone &&= other.ask === 'survey'
			answer(other)
		}
		// What is mounted there may change.
		descriptorOf(request)
		return isAlone
	})
	return { id }
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

/** Nothing that somebody unmounts is to be in use by who does nothing there. */
function leaveAll(): undefined {
	for (const id of readings.keys()) drop(id)
	for (const { root } of roots.values()) root.close()
	roots.clear()
}

function hashBatch(request: Request & { ask: 'batch' }): Reply {
	const { paths, ends, id } = request
	const root = descriptorOf(request)
	const batch = newPacket(ends.length)
	for (let at = 0, from = 0; at < ends.length; from = ends[at++]) {
		try {
			hashPath(batch, at, root, paths.subarray(from, ends[at]))
		} catch (error) {
			packError(batch.numbers, at, codeOf(error))
		}
	}
	return { id, batch }
}

function hashPath(packet: Packet, at: number, root: number, path: Uint8Array): void {
	const fd = open(root, path)
	try {
		hashInto(packet, at, fd)
	} finally {
		close(fd)
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
