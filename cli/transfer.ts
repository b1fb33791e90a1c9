/** What `put` and `get` have in common: a run that is shown, and ends when it is told to. */
import type { Argv } from 'yargs'
import { encode } from '../api/content/paths.ts'
import { UserError } from '../core/errors.ts'
import { showBytes } from '../core/text.ts'
import { type Run, startRun } from '../replicator/run.ts'
import { type DoorAddress, type DoorOptions, doorAddress, doorOptions } from './door-address.ts'
import { EXIT } from './exit-codes.ts'
import { showRun } from './progress.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { type Deps, JSON_OPTION } from './verb.ts'

export interface TransferOptions extends DoorOptions {
	json: boolean
	quiet: boolean
}

export function transferOptions<T>(yargs: Argv<T>): Argv<T & TransferOptions> {
	return doorOptions(yargs)
		.option('json', JSON_OPTION)
		.option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'only what went wrong' }) as Argv<T & TransferOptions>
}

/** Of a path in the tree. */
export function addressOf(path: Uint8Array): string {
	const names = Buffer.from(path).toString('latin1').split('/').filter((name) => name !== '' && name !== '.')
	if (names.includes('..')) throw new UserError(`${showBytes(path)}: a path in the tree has no '..'`, EXIT.usage)
	return `/files/${encode(Buffer.from(names.join('/'), 'latin1'))}`
}

export async function transfer(title: string, options: TransferOptions, deps: Deps, work: (door: DoorAddress, run: Run) => Promise<void>): Promise<void> {
	const door = await doorAddress(options, deps)
	const stop = stopOnSignal()
	const view = showRun(title, options, deps)
	const run = startRun(stop.signal, view.watcher)
	try {
		await work(door, run)
	} finally {
		stop.end()
		view.end(run.summary())
	}
	const { troubles, stopped } = run.summary()
	if (troubles > 0 || stopped) process.exitCode = EXIT.left
}
