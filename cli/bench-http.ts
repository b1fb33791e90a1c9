/** `cairn bench http`: so many connections ask as fast as they are answered, for some seconds. */
import { randomBytes } from 'node:crypto'
import { UserError } from '../core/errors.ts'
import { type Connection, openConnection } from './bench-connection.ts'
import { type DoorOptions, doorAddress, doorOptions } from './door-address.ts'
import { EXIT } from './exit-codes.ts'
import { parseSize, showSize } from './sizes.ts'
import { table } from './table.ts'
import { type Deps, JSON_OPTION, type Verb } from './verb.ts'

const WORKS = ['objects', 'put', 'get'] as const

interface Options extends DoorOptions {
	work: (typeof WORKS)[number]
	connections: number
	seconds: number
	size: string
	path: string
	json: boolean
}

const CONNECTIONS_MAX = 1_000
const SECONDS_MAX = 3_600
/** What is got is put first. */
const FILES_TO_GET = 100

export const benchHttp: Verb<Options> = (deps) => ({
	command: 'http',
	describe: 'requests a second, and how long they take',
	builder: (yargs) =>
		doorOptions(yargs)
			.option('work', { choices: WORKS, default: 'objects' as const, requiresArg: true, describe: 'objects: an id and an upload to it; put, get: files below --path' })
			.option('connections', { type: 'number', default: 16, requiresArg: true, describe: 'at once' })
			.option('seconds', { type: 'number', default: 10, requiresArg: true, describe: 'how long' })
			.option('size', { type: 'string', default: '1K', requiresArg: true, describe: 'of each file' })
			.option('path', { type: 'string', default: '/bench', requiresArg: true, describe: 'in the tree; what is put there stays' })
			.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

/** One thing that is measured: `assign`, `upload`, `put`, `get`. */
export interface Measured {
	requests: number
	perSecond: number
	/** Milliseconds. */
	p50: number
	p90: number
	p99: number
	max: number
}

export interface BenchResult {
	work: string
	connections: number
	seconds: number
	size: number
	/** Rounds of everything that belongs together. */
	perSecond: number
	failures: number
	steps: Record<string, Measured>
}

export async function run(options: Options, deps: Deps): Promise<void> {
	const { connections, seconds, work } = options
	if (!(Number.isInteger(connections) && connections >= 1 && connections <= CONNECTIONS_MAX)) throw new UserError(`--connections: 1 to ${CONNECTIONS_MAX}`, EXIT.usage)
	if (!(seconds > 0 && seconds <= SECONDS_MAX)) throw new UserError(`--seconds: more than 0, up to ${SECONDS_MAX}`, EXIT.usage)
	const size = parseSize(options.size, '--size')
	const door = await doorAddress(options, deps)
	const open = await Promise.all(Array.from({ length: connections }, () => openConnection(door))).catch((error: Error) => {
		throw new UserError(`${door.socketPath ?? door.url.host}: ${error.message || 'the door does not answer'}`, EXIT.left)
	})
	const steps = await measure(open, { work, seconds, content: randomBytes(size), path: options.path })
	const result = { work, connections, seconds, size, ...steps }
	for (const each of open) each.end()
	if (options.json) deps.print(JSON.stringify(result, null, 2))
	else for (const line of toLines(result)) deps.print(line)
	if (result.failures > 0) process.exitCode = EXIT.left
}

interface Plan {
	work: Options['work']
	seconds: number
	content: Buffer
	path: string
}

async function measure(connections: Connection[], plan: Plan): Promise<Pick<BenchResult, 'perSecond' | 'failures' | 'steps'>> {
	const times = new Map<string, number[]>()
	let rounds = 0
	let failures = 0
	const work = await workOf(plan, connections[0])
	const startMs = performance.now()
	const endMs = startMs + plan.seconds * 1000

	async function timed(step: string, connection: Connection, method: string, path: string, body?: Buffer): Promise<Buffer> {
		const from = performance.now()
		const answer = await connection.ask(method, path, body)
		if (answer.status >= 300) throw new UserError(`${method} ${path}: ${answer.status} ${answer.body.toString().slice(0, 200)}`, EXIT.left)
		const list = times.get(step)
		if (list) list.push(performance.now() - from)
		else times.set(step, [performance.now() - from])
		return answer.body
	}

	await Promise.all(
		connections.map(async (connection, index) => {
			for (let round = 0; performance.now() < endMs; round++) {
				try {
					await work(connection, timed, index * 1e6 + round)
					rounds++
				} catch (error) {
					// The first one says what is wrong; where all are, there is nothing to measure.
					if (rounds === 0) throw error
					failures++
				}
			}
		}),
	)
	const elapsed = (performance.now() - startMs) / 1000
	const steps = Object.fromEntries([...times].map(([name, list]) => [name, summed(list, elapsed)]))
	return { perSecond: rounds / elapsed, failures, steps }
}

type Timed = (step: string, connection: Connection, method: string, path: string, body?: Buffer) => Promise<Buffer>
type Work = (connection: Connection, timed: Timed, number: number) => Promise<unknown>

async function workOf({ work, content, path }: Plan, first: Connection): Promise<Work> {
	const below = `/files/${path.split('/').filter((name) => name !== '').map(encodeURIComponent).join('/')}`
	if (work === 'put') return (connection, timed, number) => timed('put', connection, 'PUT', `${below}/${process.pid}-${number}`, content)
	if (work === 'get') {
		for (let number = 0; number < FILES_TO_GET; number++) await first.ask('PUT', `${below}/get-${number}`, content)
		return (connection, timed, number) => timed('get', connection, 'GET', `${below}/get-${number % FILES_TO_GET}`)
	}
	return async (connection, timed) => {
		const { fid } = JSON.parse((await timed('assign', connection, 'GET', '/dir/assign')).toString()) as { fid: string }
		await timed('upload', connection, 'PUT', `/${fid}`, content)
	}
}

function summed(list: number[], seconds: number): Measured {
	const sorted = Float64Array.from(list).sort()
	const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
	return { requests: list.length, perSecond: list.length / seconds, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted[sorted.length - 1] }
}

function toLines({ work, connections, seconds, size, perSecond, failures, steps }: BenchResult): string[] {
	const ms = (value: number) => value.toFixed(value < 10 ? 2 : 1)
	const rows = Object.entries(steps).map(([name, { requests, perSecond, p50, p90, p99, max }]) => [name, String(requests), perSecond.toFixed(0), ms(p50), ms(p90), ms(p99), ms(max)])
	const failed = failures > 0 ? `, ${failures} failed` : ''
	return [
		`${work}: ${perSecond.toFixed(0)}/s of ${showSize(size)} by ${connections} connections for ${seconds} s${failed}`,
		...table(['', 'requests', 'a second', 'p50 ms', 'p90 ms', 'p99 ms', 'max ms'], rows),
	]
}

