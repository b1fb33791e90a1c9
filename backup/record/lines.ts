/** The lines of a file, one after the other, in little memory however long it is. */
import fs from 'node:fs'

const CHUNK_BYTES = 256 * 1024
/** Longer ones are no lines of ours; they are passed over. */
const LINE_BYTES_MAX = 128 * 1024
const NEWLINE = 0x0a

export function* linesOf(path: Buffer | string): Generator<string> {
	const fd = openIfThere(path)
	if (fd === undefined) return
	try {
		const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
		let rest: Buffer = Buffer.alloc(0)
		for (let read = fs.readSync(fd, chunk); read > 0; read = fs.readSync(fd, chunk)) {
			let data = rest.length > 0 ? Buffer.concat([rest, chunk.subarray(0, read)]) : chunk.subarray(0, read)
			for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE)) {
				yield data.toString('utf8', 0, end)
				data = data.subarray(end + 1)
			}
			rest = data.length > LINE_BYTES_MAX ? Buffer.alloc(0) : Buffer.from(data)
		}
		// What has no end was cut off while it was written.
	} finally {
		fs.closeSync(fd)
	}
}

function openIfThere(path: Buffer | string): number | undefined {
	try {
		return fs.openSync(path, 'r')
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
		throw error
	}
}
