/** `cairn top`: what the mounts of this machine are asked right now, by client, process and file. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Driver } from '../core/catalogue/driver.ts'
import type { Config } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import { askAll } from '../core/live/ask.ts'
import type { TopEntry } from '../core/live/top.ts'
import { run as drive } from '../core/op.ts'
import { pathOf } from '../core/stats/paths.ts'
import { jsonBytes, showBytes, showText } from '../core/text.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { showSize } from './sizes.ts'
import { whileShown } from './stop-on-signal.ts'
import { table } from './table.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	once: boolean
	interval: number
	rows: number
	json: boolean
}

interface Client {
	what: string
	pid: number
	operationsPerSecond: number
	operations: Array<TopEntry & { command: string; path: Buffer | undefined }>
}

/** A timer takes no more than 24 days, and one that is longer is over at once. */
const INTERVAL_MOST_SECONDS = 86_400
const CLEAR = '\x1b[H\x1b[2J'

export const top: Verb<Options> = (deps) => ({
	command: 'top',
	describe: 'what the mounts of this machine are asked right now, by process and file',
	builder: (yargs) =>
		yargs
			.option('once', { type: 'boolean', default: false, describe: 'show it once and end' })
			.option('interval', { type: 'number', default: 2, requiresArg: true, describe: 'seconds between two looks' })
			.option('rows', { type: 'number', default: 20, requiresArg: true, describe: 'so many of each client' })
			.option('json', { ...JSON_OPTION, describe: 'print a JSON object per look' }),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	if (!(options.interval >= 0.1 && options.interval <= INTERVAL_MOST_SECONDS && options.rows >= 1))
		throw new UserError(`--interval: seconds from 0.1 to ${INTERVAL_MOST_SECONDS}; --rows: from 1`, EXIT.usage)
	await whileShown((signal) =>
		withCatalogue(options, deps, async (driver, config) => {
			do {
				show(await look(driver, config, options), options, deps)
				if (options.once) return
				await sleep(options.interval * 1000, undefined, { signal }).catch(() => undefined)
			} while (!signal.aborted)
		}),
	)
}

async function look(driver: Driver, config: Config, { rows }: Options): Promise<Client[]> {
	const clients: Client[] = []
	for (const { what, pid, entries = [] } of await askAll(config.catalogue, 'top')) {
		const operations: Client['operations'] = []
		for (const entry of entries.slice(0, rows)) operations.push({ ...entry, command: commandOf(entry.pid), path: await drive(pathOf(driver, entry.file)) })
		clients.push({ what, pid, operationsPerSecond: entries.reduce((sum, entry) => sum + entry.perSecond, 0), operations })
	}
	return clients
}

/** The kernel writes back pages by itself, and some processes are gone by now. */
function commandOf(pid: number): string {
	if (pid === 0) return 'kernel'
	try {
		return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
	} catch {
		return 'gone'
	}
}

function show(clients: Client[], options: Options, deps: Deps): void {
	if (options.json) return deps.print(JSON.stringify({ at: Date.now() / 1000, clients: clients.map(toJson) }))
	if (!options.once && process.stdout.isTTY && deps.environment.TERM !== 'dumb') process.stdout.write(CLEAR)
	if (clients.length === 0) deps.print('no mount, replicator or api of this installation runs on this machine')
	for (const client of clients) for (const line of toLines(client)) deps.print(line)
}

function toJson({ operations, ...client }: Client): object {
	return { ...client, operations: operations.map(({ path, ...entry }) => ({ ...entry, ...(path ? jsonBytes('path', path) : {}) })) }
}

function toLines({ what, pid, operationsPerSecond, operations }: Client): string[] {
	const rows = operations.map((entry) => [
		String(entry.pid), showText(entry.command), entry.operation, entry.perSecond.toFixed(1), `${showSize(Math.round(entry.bytesPerSecond))}`,
		entry.latencyMs.toFixed(2), entry.path ? `/${showBytes(entry.path)}` : `#${entry.file}`,
	])
	return [
		`${showText(what)}, process ${pid}: ${operationsPerSecond.toFixed(0)} operations a second`,
		...(rows.length > 0 ? [...table(['PID', 'COMMAND', 'OPERATION', 'PER S', 'BYTES/S', 'MS', 'FILE'], rows), ''] : []),
	]
}
