/** A keeper's installation as one is run: the command line, nodes, and `cairn api` as a process that can be killed. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../support/free-port.ts'

const CAIRN = join(import.meta.dirname, '../../cairn')
const VERB_MS_MAX = 60_000

export interface Keeper {
	directory: string
	url: string
	node(name: string): string
	cairn(...words: string[]): Promise<string>
	/** Of a new site: its key. */
	addSite(name: string, ...options: string[]): Promise<string>
	sites(): Promise<{ [name: string]: { wanted: number; claimed: number; proved: number; failed: number } }>
	startApi(): Promise<void>
	/** SIGKILL. */
	killApi(): Promise<void>
	remove(): Promise<void>
}

export async function installKeeper(options: object = {}): Promise<Keeper> {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-keeper-'))
	const port = await freePort()
	const config = join(directory, 'config.ts')
	const settings = { catalogue: 'catalogue.db', api: { listen: [{ at: `127.0.0.1:${port}` }] }, ...options }
	writeFileSync(config, `export default ${JSON.stringify(settings)}\n`, { mode: 0o600 })
	let api: ChildProcess | undefined
	const cairn = async (...words: string[]) => (await promisify(execFile)(CAIRN, [...words, '--config', config], { timeout: VERB_MS_MAX })).stdout
	const killApi = async () => {
		if (!api || api.exitCode !== null || api.signalCode !== null) return
		const ended = once(api, 'exit')
		api.kill('SIGKILL')
		await ended
	}
	await cairn('init')
	return {
		directory,
		url: `http://127.0.0.1:${port}`,
		cairn,
		node: (name) => join(directory, name),
		addSite: async (name, ...words) => (await cairn('site', 'add', name, ...words)).trim().split('\n').at(-1) as string,
		async sites() {
			const rows = JSON.parse(await cairn('site', 'list', '--json')) as { name: string; wanted: number; claimed: number; proved: number; failed: number }[]
			return Object.fromEntries(rows.map((row) => [row.name, row]))
		},
		async startApi() {
			api = spawn('setpriv', ['--pdeathsig', 'KILL', CAIRN, 'api', '--config', config], { stdio: ['ignore', 'pipe', 'ignore'] })
			await once(api.stdout as NodeJS.ReadableStream, 'data')
		},
		killApi,
		async remove() {
			await killApi()
			rmSync(directory, { recursive: true, force: true })
		},
	}
}

export async function addNode(keeper: Keeper, name: string): Promise<void> {
	mkdirSync(keeper.node(name))
	await keeper.cairn('node', 'add', name, keeper.node(name))
}
