/** A stream of bytes becomes a file: what a door does with the body of a request. */
import { hash } from 'node:crypto'
import { fail } from '../errors.ts'
import { type Op, run } from '../op.ts'
import type { Filesystem } from './filesystem.ts'
import { abortUpload, beginUpload, type Ending, finishUpload, type Intake, type Stored, type Upload, writeUpload } from './upload.ts'

/** Gathered before it is written; as much again may be on its way to the node. */
const BATCH_BYTES = 512 * 1024

export interface StoreOptions extends Ending {
	/** EFBIG when there is more. */
	bytesMax?: number
	/** EPROTO when there is more or less. */
	bytesExactly?: number
}

/** Throws what the source throws; then nothing is left of it. */
export async function store(fs: Filesystem, intake: Intake, source: AsyncIterable<Uint8Array>, options: StoreOptions = {}): Promise<Stored> {
	const upload = await run(beginUpload(fs, { ...intake, bytes: intake.bytes ?? options.bytesExactly }))
	try {
		await take(fs, upload, source, options)
	} catch (error) {
		await run(abortUpload(fs, upload))
		throw error
	}
	return run(finishUpload(fs, upload, options))
}

/** The same of content that is at hand. */
export function* storeWhole(fs: Filesystem, intake: Intake, content: Uint8Array, options: StoreOptions = {}): Op<Stored> {
	check(content.length, options, true)
	const upload = yield* beginUpload(fs, { ...intake, bytes: content.length, sha256: hash('sha256', content, 'buffer') })
	try {
		if (content.length > 0) yield* writeUpload(fs, upload, [content])
	} catch (error) {
		yield* abortUpload(fs, upload)
		throw error
	}
	return yield* finishUpload(fs, upload, options)
}

/** What was gathered is written while more is gathered. */
async function take(fs: Filesystem, upload: Upload, source: AsyncIterable<Uint8Array>, options: StoreOptions): Promise<void> {
	let batch: Uint8Array[] = []
	let gathered = 0
	let total = 0
	let writing: Promise<void> | undefined
	const write = async () => {
		const parts = batch
		batch = []
		gathered = 0
		await writing
		writing = (async () => run(writeUpload(fs, upload, parts)))()
		// Whoever waits for it next hears of it; if nobody does any more, the reason for that comes first.
		writing.catch(() => undefined)
	}
	try {
		for await (const part of source) {
			total += part.length
			check(total, options, false)
			batch.push(part)
			gathered += part.length
			if (gathered >= BATCH_BYTES) await write()
		}
		check(total, options, true)
		if (gathered > 0) await write()
	} finally {
		await writing
	}
}

function check(bytes: number, { bytesMax, bytesExactly }: StoreOptions, isAll: boolean): void {
	if (bytesMax !== undefined && bytes > bytesMax) fail('EFBIG')
	if (bytesExactly === undefined) return
	if (bytes > bytesExactly || (isAll && bytes < bytesExactly)) fail('EPROTO', `${bytes} bytes came of ${bytesExactly}`)
}
