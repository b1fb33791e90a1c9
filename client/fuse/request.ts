/** A request as it came from the kernel. Valid until the handler first waits for something: what it needs later it copies. */
import { IN_HEADER_BYTES } from './protocol.ts'

export interface Request {
	opcode: number
	/** Two halves of the 64-bit number a reply carries. */
	uniqueLow: number
	uniqueHigh: number
	node: number
	uid: number
	gid: number
	pid: number
	/** The body begins at `at` in `bytes` and ends at `end`. */
	bytes: Buffer
	view: DataView
	at: number
	end: number
}

export function decodeRequest(bytes: Buffer, view: DataView): Request {
	return {
		opcode: view.getUint32(4, true),
		uniqueLow: view.getUint32(8, true),
		uniqueHigh: view.getUint32(12, true),
		node: number64(view, 16),
		uid: view.getUint32(24, true),
		gid: view.getUint32(28, true),
		pid: callerOf(view),
		bytes,
		view,
		at: IN_HEADER_BYTES,
		end: view.getUint32(0, true),
	}
}

/** Its pid, of a request that was only read; 0 where the kernel asks of its own accord. */
export function callerOf(view: DataView): number {
	return view.getUint32(32, true)
}

export function number64(view: DataView, offset: number): number {
	return view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true)
}

/** Signed: file times before 1970, offsets. */
export function signed64(view: DataView, offset: number): number {
	return view.getInt32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true)
}

export function u32(request: Request, offset: number): number {
	return request.view.getUint32(request.at + offset, true)
}

export function u64(request: Request, offset: number): number {
	return number64(request.view, request.at + offset)
}

/** A copy of the NUL-terminated name that starts `offset` bytes into the body. */
export function nameAt({ bytes, at, end }: Request, offset: number): Buffer {
	const start = at + offset
	let stop = start
	// Names are short: to have them searched and copied takes longer to begin than this does to end.
	while (stop < end && bytes[stop] !== 0) stop++
	const name = Buffer.allocUnsafe(stop - start)
	for (let i = start; i < stop; i++) name[i - start] = bytes[i]
	return name
}

/** A copy of the rest of the body. */
export function bytesAt(request: Request, offset: number, length: number): Buffer {
	const start = request.at + offset
	return Buffer.from(request.bytes.subarray(start, start + length))
}
