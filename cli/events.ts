/** `cairn events`: the journal of what happened to the tree. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Driver } from '../core/catalogue/driver.ts'
import { run as drive } from '../core/op.ts'
import { EVENTS_MAX, type Event, eventFields, type Follower, followFrom, positionAt, positionBeforeEnd } from '../core/stats/events.ts'
import { showBytes } from '../core/text.ts'
import { withCatalogue } from './catalogue.ts'
import { showTime, timeOf } from './moments.ts'
import { whileShown } from './stop-on-signal.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	follow: boolean
	since?: string
	json: boolean
}

const POLL_MS = 200
const LINES_SHOWN = 20

export const events: Verb<Options> = (deps) => ({
	command: 'events',
	describe: 'what happened to the tree: the last lines of the journal, or from a moment on',
	builder: (yargs) =>
		yargs
			.option('follow', { alias: 'f', type: 'boolean', default: false, describe: 'go on as things happen' })
			.option('since', { type: 'string', requiresArg: true, describe: 'after this number of the journal, or from this moment on: 2026-11-27, 2026-11-27T14:00, 90m ago as 90m' })
			.option('json', { ...JSON_OPTION, describe: 'print a JSON object per line; seq is where to go on with --since' }),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	await whileShown((signal) =>
		withCatalogue(options, deps, async (driver) => {
			const follower = followFrom(driver, await startOf(options, driver))
			do await showNew(follower, options, deps, signal)
			while (options.follow && (await isNext(driver, signal)))
		}),
	)
}

async function showNew(follower: Follower, { json }: Options, deps: Deps, signal: AbortSignal): Promise<void> {
	for (let many = EVENTS_MAX; many >= EVENTS_MAX && !signal.aborted; ) {
		const found = await drive(follower.next())
		for (const event of found) deps.print(json ? JSON.stringify(eventFields(event)) : toLine(event))
		many = found.length
	}
}

/** Waits until something may have happened; false when it is to end. */
async function isNext(driver: Driver, signal: AbortSignal): Promise<boolean> {
	do await sleep(POLL_MS, undefined, { signal }).catch(() => undefined)
	while (!signal.aborted && !driver.isChangedElsewhere())
	driver.markSeen()
	return !signal.aborted
}

async function startOf({ since, follow }: Options, driver: Driver): Promise<number> {
	if (since === undefined) return await drive(positionBeforeEnd(driver, follow ? 0 : LINES_SHOWN))
	if (/^\d+$/.test(since)) return Number(since)
	return await drive(positionAt(driver, timeOf(since, '--since')))
}

function toLine({ seq, at, op, client, file, path, to }: Event): string {
	const what = path ? `/${showBytes(path)}` : file === undefined ? '' : `#${file}`
	return `${String(seq).padStart(9)}  ${showTime(at)}  ${op.padEnd(10)}  ${String(client).padStart(6)}  ${what}${to ? ` -> /${showBytes(to)}` : ''}`.trimEnd()
}
