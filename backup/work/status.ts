/** What is here, what the keeper set, how the last run ended. */
import { showSize } from '../settings/sizes.ts'
import type { Folder } from '../folder/folder.ts'
import type { Memory } from '../folder/memory.ts'
import type { Hello } from './hello.ts'

export function* statusLines(folder: Folder, memory: Memory, hello: Hello | string): Generator<string> {
	let files = 0
	let bytes = 0
	let oldestMs = Number.POSITIVE_INFINITY
	for (const { size, seenMs } of folder.holdings.all()) {
		files++
		bytes += size
		oldestMs = Math.min(oldestMs, seenMs)
	}
	yield `folder: ${folder.path}, ${showSize(folder.freeBytes())} free`
	yield `copies: ${files} files, ${showSize(bytes)}${files > 0 ? `; all of them read since ${new Date(oldestMs).toISOString().slice(0, 10)}` : ''}`
	const { lastRun } = memory
	yield lastRun ? `last run: ${lastRun.at} ${lastRun.action}, ended with ${lastRun.exit}: ${lastRun.said}` : 'last run: none yet'
	if (typeof hello === 'string') return yield `server: ${hello}`
	const { bytesPerSecond, parallel, filesPerBatch, pending } = hello
	yield `server: answers; ${pending.work ? 'has work for us' : 'has nothing to do for us'}, ${pending.challenges} questions, ${pending.notices} notices, ${pending.orders} files to give back`
	yield `limits: ${bytesPerSecond === null ? 'no limit' : `${showSize(bytesPerSecond)}/s`}, ${parallel} at a time, ${filesPerBatch} files a batch`
}
