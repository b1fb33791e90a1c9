/** One lane: a thread that does one call at a time on a node, so that only it hangs when the node does. */
import { parentPort, workerData } from 'node:worker_threads'
import { codeOf } from '../errors.ts'
import { type Answer, END, type LaneCall, type LaneData } from './lane.ts'
import { type LocalOperations, openLocalOperations } from './local.ts'
import type { NodeOperations } from './node.ts'

const { root } = workerData as LaneData
const port = parentPort
if (port === null) throw new Error('a lane is started as a worker thread')

/** These need no directory, and a close least of all one that answers. */
const BY_DESCRIPTOR = new Set<keyof NodeOperations>([
	'close',
	'fstat',
	'read',
	'write',
	'truncate',
	'allocate',
	'seek',
	'copyRange',
	'sync',
	'flush',
	'setFileAttributes',
])

let operations: LocalOperations = openLocalOperations(root)
let generation = -1

port.on('message', (call: LaneCall | typeof END) => {
	if (call === END) {
		operations.end()
		port.close()
		return
	}
	const answer = perform(call)
	const bytes = call.method === 'read' ? (answer.value as Uint8Array | undefined) : undefined
	port.postMessage(answer, bytes === undefined ? [] : [bytes.buffer as ArrayBuffer])
})

function perform(call: LaneCall): Answer {
	try {
		return { value: carryOut(call) }
	} catch (error) {
		return { code: codeOf(error), message: (error as Error).message }
	}
}

function carryOut(call: LaneCall): unknown {
	if (!BY_DESCRIPTOR.has(call.method)) keepUp(call)
	if (call.method === 'read') return readInto(call.args as [number, number, number])
	const method = operations[call.method] as (...args: unknown[]) => unknown
	return method(...call.args.map(asBuffer))
}

/**
 * A new lane, and one that has not heard that the node was elsewhere, takes the directory at the path only if it is the node:
 * what was mounted there may be gone by now.
 */
function keepUp(call: LaneCall): void {
	if (call.generation === generation) return
	operations.end()
	operations = openLocalOperations(root)
	if (call.uuid !== '') operations.identify(call.uuid)
	generation = call.generation
}

function readInto([fd, length, position]: [number, number, number]): Uint8Array {
	const bytes = new Uint8Array(length)
	const count = operations.read(fd, bytes, position)
	return bytes.subarray(0, count)
}

/** A Buffer arrives as a Uint8Array. */
function asBuffer(value: unknown): unknown {
	return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value
}
