/** The two `struct timespec` that utimensat(2) and futimens(3) take. */
import type { Attributes } from './node.ts'

const UTIME_OMIT = 0x3ffffffe
const fields = new Uint32Array(8)
const bytes = new Uint8Array(fields.buffer)

export function hasTimes(attributes: Attributes): boolean {
	return attributes.atime !== undefined || attributes.mtime !== undefined
}

/** Valid until the next call. */
export function encodeTimes(attributes: Attributes): Uint8Array {
	put(0, attributes.atime, attributes.atimeNs)
	put(4, attributes.mtime, attributes.mtimeNs)
	return bytes
}

function put(at: number, seconds: number | undefined, nanoseconds: number | undefined): void {
	fields[at] = seconds ?? 0
	fields[at + 1] = Math.floor((seconds ?? 0) / 0x1_0000_0000)
	fields[at + 2] = seconds === undefined ? UTIME_OMIT : (nanoseconds ?? 0)
	fields[at + 3] = 0
}
