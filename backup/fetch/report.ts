/** Telling the server what is here now and what is not. */
import { setAside } from '../folder/aside.ts'
import { findSpot } from '../folder/spot.ts'
import { namesOf } from '../names/archive-path.ts'
import { BadAnswer, listIn, shown, textIn } from '../wire/answers.ts'
import { leave, type Run } from '../work/run.ts'
import type { Failure } from './failure.ts'
import type { Wanted } from './wanted.ts'

const FILES_MAX = 500
const TEXT_MAX = 200

export type Done = { wanted: Wanted; hash: string } | { wanted: Wanted; failure: Failure }

/** How many count as copies. */
export async function report(run: Run, done: readonly Done[]): Promise<number> {
	let claimed = 0
	for (let from = 0; from < done.length; from += FILES_MAX) {
		const part = done.slice(from, from + FILES_MAX)
		const results = listIn(await run.client.call('POST', '/report', { files: part.map(lineOf) }), 'results')
		if (results.length !== part.length) throw new BadAnswer('a report has other results than files')
		for (const [index, item] of part.entries()) {
			const result = textIn(results[index], 'result')
			if (result === 'claimed') claimed++
			if ('hash' in item) await heed(run, item.wanted, result)
		}
	}
	return claimed
}

function lineOf(done: Done): object {
	const { id, version, size } = done.wanted
	return 'hash' in done
		? { id, version, size, hash: done.hash }
		: { id, version, error: done.failure.error, text: done.failure.text.slice(0, TEXT_MAX) }
}

async function heed(run: Run, wanted: Wanted, result: string): Promise<void> {
	if (result !== 'mismatch') return run.watcher.done()
	const spot = findSpot(run.folder, namesOf(wanted.path, run.folder.platform), false)
	try {
		if (spot) setAside(spot)
	} finally {
		spot?.close()
	}
	const { path, id, version, size } = wanted
	await run.folder.holdings.add([{ path: path.toString('latin1'), id, version, size, hash: '', seenMs: 0, gone: true }])
	leave(run, shown(path), 'the server says that this is not the file: set aside')
}
