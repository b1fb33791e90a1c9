/** A compressed file as lines, many at a time. */
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'

const NEWLINE = 0x0a

/** Whole lines without their ends, as they come, and the bytes they were; a last line without an end is an error. */
export async function* linesOf(path: string): AsyncGenerator<{ lines: string[]; bytes: Buffer }> {
	const source = createReadStream(path)
	const text = createGunzip()
	source.on('error', (error) => text.destroy(error))
	source.pipe(text)
	try {
		let rest: Buffer[] = []
		for await (const chunk of text as AsyncIterable<Buffer>) {
			const end = chunk.lastIndexOf(NEWLINE)
			if (end === -1) {
				rest.push(chunk)
				continue
			}
			const bytes = Buffer.concat([...rest, chunk.subarray(0, end + 1)])
			rest = [chunk.subarray(end + 1)]
			yield { lines: bytes.toString('utf8', 0, bytes.length - 1).split('\n'), bytes }
		}
		if (rest.some((part) => part.length > 0)) throw new SyntaxError('it is cut: it ends in the middle of a line')
	} finally {
		source.destroy()
		text.destroy()
	}
}
