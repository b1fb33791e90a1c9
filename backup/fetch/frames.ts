/** Reading a bundle: a line of JSON for each file that was asked for, in that order, each followed by as many bytes as were promised before. */
import type { IncomingMessage } from 'node:http'
import { BadAnswer, type Json, objectIn } from '../wire/answers.ts'
import type { Wanted } from './wanted.ts'

const LINE_BYTES_MAX = 1_024
const NEWLINE = 0x0a

/** Gives each file that came whole; what came with an error is left out. Ends where the answer ends or makes no sense. */
export async function* filesIn(answer: IncomingMessage, wanted: readonly Wanted[]): AsyncGenerator<{ wanted: Wanted; content: Buffer[] }> {
	const input = openInput(answer)
	for (const file of wanted) {
		const line = await input.line()
		if (line['id'] !== file.id || line['version'] !== file.version) throw new BadAnswer('another file came than was asked for')
		if (line['error'] !== undefined) continue
		if (line['size'] !== file.size) throw new BadAnswer('the size is not the one that was said')
		yield { wanted: file, content: await input.bytes(file.size) }
	}
	await input.end()
}

interface Input {
	line(): Promise<Json>
	/** In the pieces they came in. */
	bytes(count: number): Promise<Buffer[]>
	/** The connection can be used again when all of an answer was read. */
	end(): Promise<void>
}

function openInput(answer: IncomingMessage): Input {
	const chunks = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>
	let data: Buffer = Buffer.alloc(0)

	async function more(): Promise<Buffer> {
		const next = await chunks.next()
		if (next.done) throw new BadAnswer('the bundle ends too soon')
		return next.value
	}

	return {
		async line() {
			for (;;) {
				const end = data.indexOf(NEWLINE)
				if (end === -1 && data.length <= LINE_BYTES_MAX) data = Buffer.concat([data, await more()])
				else if (end === -1 || end > LINE_BYTES_MAX) throw new BadAnswer('a line of a bundle has no end')
				else {
					const line = data.toString('utf8', 0, end)
					data = data.subarray(end + 1)
					return objectIn(JSON.parse(line), 'a line of a bundle')
				}
			}
		},
		async bytes(count) {
			const parts: Buffer[] = []
			for (let missing = count; missing > 0; ) {
				if (data.length === 0) data = await more()
				const part = data.subarray(0, missing)
				parts.push(part)
				missing -= part.length
				data = data.subarray(part.length)
			}
			return parts
		},
		async end() {
			if (data.length > 0 || !(await chunks.next()).done) throw new BadAnswer('the bundle does not end')
		},
	}
}
