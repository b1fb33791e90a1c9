/** What verbs have in common that begin something which replicators go on with: plan, begin, watch, pause, resume, abort. */
import type { Argv } from 'yargs'
import { Errno, UserError } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { showPath } from '../core/text.ts'
import { levelRound } from '../replicator/level/round.ts'
import { startRun, type Watcher } from '../replicator/run.ts'
import { EXIT } from './exit-codes.ts'
import { dashed, inParts } from './misread.ts'
import { showRun } from './progress.ts'
import { type Common, type Deps, JSON_OPTION } from './verb.ts'

export interface ActivityOptions extends Common {
	json: boolean
	dryRun: boolean
	status: boolean
	pause: boolean
	resume: boolean
	abort: boolean
	wait: boolean
}

const FLAGS = {
	dryRun: 'only say what it would do',
	status: 'how far it is',
	pause: 'leave everything as it is until it is resumed',
	resume: 'go on after a pause',
	abort: 'give it up; what was done stays done',
	wait: 'stay until it is done, showing how far it is',
} as const

export function activityOptions<T>(yargs: Argv<T>): Argv<T & ActivityOptions> {
	let all = yargs.option('json', JSON_OPTION) as Argv
	const names = Object.keys(FLAGS) as Array<keyof typeof FLAGS>
	for (const name of names) {
		all = all.option(inParts(name), { type: 'boolean', default: false, describe: FLAGS[name] })
	}
	return all.check((given: Record<string, unknown>) => {
		const said = names.filter((name) => given[name] === true)
		if (said.length > 1) throw new UserError(`${dashed(inParts(said[0]))} and ${dashed(inParts(said[1]))}: which?`, EXIT.usage)
		return true
	}) as Argv<T & ActivityOptions>
}

/** What the catalogue does not allow is a mistake of the person at the keyboard. */
export async function refusable<T>(act: Promise<T>): Promise<T> {
	try {
		return await act
	} catch (error) {
		if (error instanceof Errno && (error.code === 'ENOENT' || error.code === 'EINVAL'))
			throw new UserError(error.message, EXIT.refused)
		throw error
	}
}

interface Shown {
	title: string
	json: boolean
	deps: Deps
}

/** One round now, so that something happens also where no replicator runs. */
export async function oneRound(fs: Filesystem, { title, json, deps }: Shown): Promise<void> {
	const view = showRun(title, { json, quiet: true }, deps)
	const run = startRun(new AbortController().signal, view.watcher)
	const holder = await levelRound(fs, run)
	if (holder !== undefined) view.elsewhere(holder)
	else view.end(run.summary())
	if (run.summary().troubles > 0) process.exitCode = EXIT.left
}

/** A round whose troubles and notes are said once, however often they are met. */
export async function quietRound(fs: Filesystem, signal: AbortSignal, watcher: Watcher, said: Set<string>): Promise<void> {
	const once = (line: string, say: () => void) => {
		if (said.has(line)) return
		said.add(line)
		say()
	}
	const run = startRun(signal, {
		trouble: (path, why) => once(`${showPath(path)}: ${why}`, () => watcher.trouble?.(path, why)),
		note: (line) => once(line, () => watcher.note?.(line)),
	})
	await levelRound(fs, run)
}
