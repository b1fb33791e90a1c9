/** The other side of sink.ts. */
import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { codeOf, fail } from '../../core/errors.ts'
import { writeAt } from '../../core/nodes/descriptors.ts'
import { DIRECT_UNIT_BYTES, writeDirectly } from './direct.ts'
import type { SinkAnswer, SinkData, SinkRequest } from './sink.ts'

const port = parentPort
if (port === null) throw new Error('what writes beside a reader is started as a worker thread')
const { memory, start } = workerData as SinkData

let hash = createHash('sha256')
/** Whether the disk takes what goes past the cache, as far as is known of this file's. */
let isDirectPossible = true

port.on('message', (request: SinkRequest) => {
	port.postMessage(answer(request))
})

function answer(request: SinkRequest): SinkAnswer {
	if ('digest' in request) return { digest: hash.digest('hex') }
	try {
		if ('begin' in request) begin()
		else if ('hash' in request) hash.update(pieceOf(request.hash))
		else write(request.write)
		return {}
	} catch (error) {
		return { code: codeOf(error), message: (error as Error).message }
	}
}

function begin(): void {
	hash = createHash('sha256')
	isDirectPossible = true
}

function pieceOf({ at, bytes }: { at: number; bytes: number }): Uint8Array {
	return new Uint8Array(memory, start + at, bytes)
}

function write(request: Extract<SinkRequest, { write: unknown }>['write']): void {
	const { at, bytes, fd, position } = request
	const isAligned = [at, bytes, position].every((each) => each % DIRECT_UNIT_BYTES === 0)
	const isDirect = isDirectPossible && writeDirectly(fd, isAligned) && isAligned
	try {
		if (writeAt(fd, pieceOf(request), position) < bytes) fail('ENOSPC')
	} catch (error) {
		if (!isDirect || codeOf(error) !== 'EINVAL') throw error
		isDirectPossible = false
		writeDirectly(fd, false)
		write(request)
	}
}
