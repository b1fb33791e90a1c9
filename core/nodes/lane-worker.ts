/** One lane: a thread that does one call at a time on a node, so that only it hangs when the node does. */
import { parentPort, workerData } from 'node:worker_threads'
import { codeOf } from '../errors.ts'
import type { Answer, LaneCall, LaneData } from './lane.ts'
import { type LocalOperations, openLocalOperations } from './local.ts'

const { root } = workerData as LaneData
const port = parentPort
if (port === null) throw new Error('a lane is started as a worker thread')

let operations: LocalOperations = openLocalOperations(root)
let generation = 0

port.on('message', (call: LaneCall) => {
	const answer = perform(call)
	const data = answer.value instanceof Uint8Array ? [answer.value.buffer as ArrayBuffer] : []
	port.postMessage(answer, data)
})

function perform(call: LaneCall): Answer {
	try {
		return { value: carryOut(call) }
	} catch (error) {
		return { code: codeOf(error), message: (error as Error).message }
	}
}

function carryOut(call: LaneCall): unknown {
	if (call.method === 'end') return operations.end()
	keepUp(call)
	if (call.method === 'read') return readInto(call.args as [number, number, number])
	const method = operations[call.method] as (...args: unknown[]) => unknown
	return method(...call.args.map(asBuffer))
}

/** Another lane saw the node at another directory than before: this one leaves the old, and takes the new if it is the node. */
function keepUp(call: LaneCall): void {
	if (call.generation === generation) return
	const next = openLocalOperations(root)
	try {
		next.identify(call.uuid)
	} catch (error) {
		next.end()
		throw error
	}
	operations.end()
	operations = next
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
