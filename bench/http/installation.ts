/** What is measured: a door, one of several workers on the same catalogue, and nginx on the same files. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const PORT = { cairn: 17_780, nginx: 17_781, workers: 17_782 }
export const WORKERS = 2
const LARGE_BYTES = 100 * 1024 * 1024
const STARTS_MAX = 200
const START_POLL_MS = 50

export interface Installation {
	/** Their addresses. */
	readonly door: string
	readonly workers: string
	readonly nginx: string
	readonly port: number
	/** Of the door's process. */
	readonly pid: number
	readonly headers: { readonly authorization: string }
	readonly catalogue: string
	/** One like it, of which nobody knows. */
	readonly bareCatalogue: string
	/** A place on the disk under test. */
	at(name: string): string
	end(): Promise<void>
}

export async function install(parent: string): Promise<Installation> {
	const top = mkdtempSync(join(parent, 'cairn-http-'))
	spreadApart(top)
	const directory = mkdtempSync(join(top, 'run-'))
	const at = (name: string) => join(directory, name)
	const running: ChildProcess[] = []
	async function end(): Promise<void> {
		for (const child of running) child.kill('SIGTERM')
		await Promise.all(running.map((child) => (child.exitCode !== null ? undefined : new Promise((resolve) => child.on('exit', resolve)))))
		rmSync(top, { recursive: true, force: true })
	}
	async function start(program: string, args: string[], port: number): Promise<number> {
		const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
		running.push(child)
		await answers(program, port)
		return child.pid as number
	}
	try {
		const token = prepare(at)
		const pid = await start(CAIRN, ['api', '--config', at('config.ts')], PORT.cairn)
		await start(CAIRN, ['api', '--config', at('workers.ts')], PORT.workers)
		await start('nginx', ['-c', nginxConfig(at), '-e', at('nginx.log')], PORT.nginx)
		const [door, workers, nginx] = [PORT.cairn, PORT.workers, PORT.nginx].map((port) => `http://127.0.0.1:${port}`)
		const made = { door, workers, nginx, port: PORT.cairn, pid, headers: { authorization: `Bearer ${token}` }, catalogue: at('catalogue.db'), bareCatalogue: at('bare.db'), at, end }
		await fill(made)
		return made
	} catch (error) {
		await end()
		throw error
	}
}

/** The token of one who may do everything. */
function prepare(at: (name: string) => string): string {
	mkdirSync(at('node'))
	mkdirSync(at('nginx-put'))
	const common = { catalogue: `sqlite:${at('catalogue.db')}`, classes: [{ name: 'default', pattern: '', copies: 1 }] }
	const configs = { 'config.ts': { listen: [{ at: `127.0.0.1:${PORT.cairn}` }] }, 'workers.ts': { listen: [{ at: `127.0.0.1:${PORT.workers}` }], workers: WORKERS } }
	for (const [name, api] of Object.entries(configs)) writeFileSync(at(name), `export default ${JSON.stringify({ ...common, api })}\n`)
	const cairn = (...words: string[]) => execFileSync(CAIRN, [...words, '--config', at('config.ts')], { encoding: 'utf8' })
	cairn('init')
	copyFileSync(at('catalogue.db'), at('bare.db'))
	cairn('node', 'add', 'node', at('node'))
	return (JSON.parse(cairn('token', 'add', 'bench', '--role', 'admin', '--json')) as { token: string }).token
}

/**
 * What is made in here, by names that are not used again, comes into other groups of the disk than what others have just removed: ext4 without a journal looks at each inode
 * that was freed in the last minutes before it takes one that is free longer, up to 0.4 ms a file. Other filesystems know no such flag.
 */
function spreadApart(directory: string): void {
	try {
		execFileSync('chattr', ['+T', directory], { stdio: 'ignore' })
	} catch {
		// Then they have no such groups either.
	}
}

function nginxConfig(at: (name: string) => string): string {
	const path = at('nginx.conf')
	writeFileSync(
		path,
		`worker_processes auto; user root; daemon off; pid ${at('nginx.pid')}; error_log ${at('nginx.log')};
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=10000; client_body_temp_path ${at('nginx-body')};
server { listen 127.0.0.1:${PORT.nginx}; client_max_body_size 2g;
location /files/ { alias ${at('node')}/; } location /put/ { alias ${at('nginx-put')}/; dav_methods PUT; } } }\n`,
	)
	return path
}

async function answers(program: string, port: number): Promise<void> {
	for (let attempt = 0; attempt < STARTS_MAX; attempt++) {
		const isThere = await new Promise<boolean>((resolve) => {
			const socket: Socket = connect(port, '127.0.0.1').on('connect', () => resolve(true)).on('error', () => resolve(false))
			socket.on('connect', () => socket.destroy())
		})
		if (isThere) return
		await new Promise((resolve) => setTimeout(resolve, START_POLL_MS))
	}
	throw new Error(`${program} does not answer`)
}

async function fill({ door, headers }: Installation): Promise<void> {
	for (const [name, bytes] of [['small', 4096], ['large', LARGE_BYTES]] as const) {
		const answer = await fetch(`${door}/files/${name}`, { method: 'PUT', body: new Uint8Array(Buffer.alloc(bytes, 'x')), headers })
		if (!answer.ok) throw new Error(await answer.text())
	}
	for (const name of ['puts', 'many']) await fetch(`${door}/files/${name}`, { method: 'MKCOL', headers })
}
