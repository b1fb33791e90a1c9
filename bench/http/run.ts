/**
 * The door over HTTP beside nginx on the same files, in one run: `node bench/http/run.ts` (as root; needs nginx, wrk).
 * A ratio is taken within a round; medians of the rounds are printed. One door, one processor's worth of it, against nginx with
 * a worker for each processor.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fillCatalogue } from '../million.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const SECONDS = process.env.BENCH_SECONDS ?? '2'
const LARGE_BYTES = 100 * 1024 * 1024
const GIB = 1024 ** 3
const CHUNK = Buffer.alloc(4 * 1024 * 1024, 'x')
const ENTRIES = 1_000_000
const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const PORT = { cairn: 17_780, nginx: 17_781, workers: 17_782 }
const WORKERS = 2

const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'cairn-http-'))
const at = (...parts: string[]) => join(directory, ...parts)
const running: ChildProcess[] = []

function cairn(...words: string[]): string {
	return execFileSync(CAIRN, [...words, '--config', at('config.ts')], { encoding: 'utf8' })
}

function prepare(): string {
	mkdirSync(at('node'))
	mkdirSync(at('nginx-put'))
	const common = { catalogue: `sqlite:${at('catalogue.db')}`, classes: [{ name: 'default', pattern: '', copies: 1 }] }
	const configs = { 'config.ts': { listen: [{ at: `127.0.0.1:${PORT.cairn}` }] }, 'workers.ts': { listen: [{ at: `127.0.0.1:${PORT.workers}` }], workers: WORKERS } }
	for (const [name, api] of Object.entries(configs)) writeFileSync(at(name), `export default ${JSON.stringify({ ...common, api })}\n`)
	cairn('init')
	cairn('node', 'add', 'node', at('node'))
	const said = cairn('token', 'add', 'bench', '--role', 'admin', '--json')
	return (JSON.parse(said) as { token: string }).token
}

async function start(program: string, args: string[], port: number): Promise<number> {
	const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
	running.push(child)
	for (let attempt = 0; attempt < 200; attempt++) {
		const answers = await new Promise<boolean>((resolve) => {
			const socket: Socket = connect(port, '127.0.0.1').on('connect', () => resolve(true)).on('error', () => resolve(false))
			socket.on('connect', () => socket.destroy())
		})
		if (answers) return child.pid as number
		await new Promise((resolve) => setTimeout(resolve, 50))
	}
	throw new Error(`${program} does not answer`)
}

function nginxConfig(): string {
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

/** Requests and bytes a second. */
function wrk(url: string, { connections, headers = [], script }: { connections: number; headers?: string[]; script?: string }): { requests: number; bytes: number } {
	const args = ['-t1', `-c${connections}`, `-d${SECONDS}s`, '--timeout', '30s', ...headers.flatMap((each) => ['-H', each]), ...(script ? ['-s', script] : []), url]
	const said = execFileSync('wrk', args, { encoding: 'utf8' })
	if (/Non-2xx/.test(said)) throw new Error(`${url}: ${said}`)
	const [, requests] = /Requests\/sec:\s+([\d.]+)/.exec(said) ?? []
	const [, amount, unit] = /Transfer\/sec:\s+([\d.]+)([KMG]?)B/.exec(said) ?? []
	return { requests: Number(requests), bytes: Number(amount) * { '': 1, K: 1024, M: 1024 ** 2, G: GIB }[unit as '' | 'K' | 'M' | 'G'] }
}

function putScript(): string {
	const path = at('put.lua')
	// A new name for each request: what is measured is a create.
	writeFileSync(
		path,
		`local n = 0
local body = string.rep("x", 4096)
local mark = tostring(os.time()) .. tostring({}):gsub("[^%w]", "")
request = function() n = n + 1; return wrk.format("PUT", wrk.path .. mark .. "-" .. n, nil, body) end\n`,
	)
	return path
}

/** Asks where an object may be put, then puts one there: half of the requests are uploads. */
function objectScript(): string {
	const path = at('object.lua')
	writeFileSync(
		path,
		`local fids = {}
local body = string.rep("x", 1024)
request = function()
	local fid = table.remove(fids)
	if fid then return wrk.format("PUT", "/" .. fid, nil, body) end
	return wrk.format("GET", "/dir/assign")
end
response = function(status, headers, body)
	local fid = body:match('"fid":%s*"([^"]+)"')
	if fid then table.insert(fids, fid) end
end\n`,
	)
	return path
}

async function put(url: string, auth: Record<string, string>): Promise<number> {
	const began = performance.now()
	const headers = Object.entries(auth).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
	const child = spawn('curl', ['-sSf', '-T', '-', '-o', '/dev/null', ...headers, url], { stdio: ['pipe', 'inherit', 'inherit'] })
	const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
	for (let sent = 0; sent < GIB; sent += CHUNK.length) if (!child.stdin.write(CHUNK)) await new Promise((resolve) => child.stdin.once('drain', resolve))
	child.stdin.end()
	if ((await ended) !== 0) throw new Error(`${url}: not taken`)
	return GIB / ((performance.now() - began) / 1000)
}

function disk(): number {
	const began = performance.now()
	const fd = openSync(at('disk'), 'w')
	for (let written = 0; written < GIB; written += CHUNK.length) writeSync(fd, CHUNK)
	closeSync(fd)
	const rate = GIB / ((performance.now() - began) / 1000)
	rmSync(at('disk'))
	return rate
}

const memoryMiB = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

/** Five hundred who ask for the large file and hardly read. */
async function slow(token: string, pid: number): Promise<number> {
	const sockets = Array.from({ length: 500 }, () => connect(PORT.cairn, '127.0.0.1').on('error', () => undefined))
	for (const socket of sockets) {
		socket.write(`GET /files/large HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`)
		socket.once('readable', () => socket.read(1))
	}
	let most = 0
	for (let look = 0; look < 30; look++) {
		await new Promise((resolve) => setTimeout(resolve, 100))
		most = Math.max(most, memoryMiB(pid))
	}
	for (const socket of sockets) socket.destroy()
	return most
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const rows: Array<{ what: string; wanted: string; cairn: number[]; other: number[]; unit: string }> = []

function row(what: string, wanted: string, unit: string): (cairn: number, other: number) => void {
	const made = { what, wanted, unit, cairn: [] as number[], other: [] as number[] }
	rows.push(made)
	return (cairn, other) => {
		made.cairn.push(cairn)
		made.other.push(other)
	}
}

async function main(): Promise<void> {
	const token = prepare()
	const headers = [`Authorization: Bearer ${token}`]
	const auth = { authorization: `Bearer ${token}` }
	const pid = await start(CAIRN, ['api', '--config', at('config.ts')], PORT.cairn)
	await start(CAIRN, ['api', '--config', at('workers.ts')], PORT.workers)
	await start('nginx', ['-c', nginxConfig(), '-e', at('nginx.log')], PORT.nginx)
	const [door, nginx] = [`http://127.0.0.1:${PORT.cairn}`, `http://127.0.0.1:${PORT.nginx}`]
	for (const [name, content] of [['small', Buffer.alloc(4096, 'x')], ['large', Buffer.alloc(LARGE_BYTES, 'x')]] as const) {
		const answer = await fetch(`${door}/files/${name}`, { method: 'PUT', body: new Uint8Array(content), headers: auth })
		if (!answer.ok) throw new Error(await answer.text())
	}
	await fetch(`${door}/files/puts`, { method: 'MKCOL', headers: auth })
	const workers = `http://127.0.0.1:${PORT.workers}`
	const [small, smallWorkers] = [row('GET 4 KiB, hot (requests/s)', '0.35', ''), row(`the same of ${WORKERS} workers`, '', '')]
	const [objects, objectsWorkers] = [row('assign and upload of 1 KiB, 16 connections (objects/s; the other is nginx, PUT of 4 KiB)', '1500/s', ''), row(`the same of ${WORKERS} workers`, '', '')]
	const [putsWorkers] = [row(`PUT 4 KiB of ${WORKERS} workers`, '', '')]
	const [large, puts, gib] = [row('GET 100 MB (bytes/s)', '0.8', 'B'), row('PUT 4 KiB, new names (requests/s)', '0.7, and 1500/s', ''), row('PUT 1 GiB (bytes/s; the other is write(2) to the disk)', '0.7', 'B')]
	const [script, object] = [putScript(), objectScript()]
	// What is compiled while it runs has run before.
	for (const url of [door, workers]) wrk(`${url}/files/small`, { connections: 16, headers })
	for (let round = 0; round < ROUNDS; round++) {
		const hot = wrk(`${nginx}/files/small`, { connections: 16 }).requests
		small(wrk(`${door}/files/small`, { connections: 16, headers }).requests, hot)
		smallWorkers(wrk(`${workers}/files/small`, { connections: 16, headers }).requests, hot)
		large(wrk(`${door}/files/large`, { connections: 2, headers }).bytes, wrk(`${nginx}/files/large`, { connections: 2 }).bytes)
		const bare = wrk(`${nginx}/put/${round}-`, { connections: 16, script }).requests
		puts(wrk(`${door}/files/puts/${round}-`, { connections: 16, headers, script }).requests, bare)
		putsWorkers(wrk(`${workers}/files/puts/w${round}-`, { connections: 16, headers, script }).requests, bare)
		objects(wrk(door, { connections: 16, headers, script: object }).requests / 2, bare)
		objectsWorkers(wrk(workers, { connections: 16, headers, script: object }).requests / 2, bare)
		if (round < 3) {
			gib(await put(`${door}/files/gib-${round}`, auth), disk())
			await fetch(`${door}/files/gib-${round}`, { method: 'DELETE', headers: auth })
		}
	}
	console.log('| | asked | cairn | other | ratio |\n|---|---|---|---|---|')
	for (const { what, wanted, cairn: own, other } of rows) {
		const ratio = median(own.map((value, index) => value / other[index]))
		console.log(`| ${what} | ${wanted} | ${shown(median(own))} | ${shown(median(other))} | ${ratio.toFixed(2)} |`)
	}
	console.log(`| memory with 500 slow readers (MiB) | < 250 | ${Math.round(await slow(token, pid))} | | |`)
	console.log(`| a page of ${ENTRIES} entries (ms, the slowest of 20) | < 30 | ${(await pages(door, auth)).toFixed(1)} | | |`)
}

function shown(value: number): string {
	return value > 1e7 ? `${Math.round(value / 1024 ** 2)} MiB/s` : String(Math.round(value))
}

/** From the beginning, and from places all over. */
async function pages(door: string, headers: Record<string, string>): Promise<number> {
	await fetch(`${door}/files/many`, { method: 'MKCOL', headers })
	const listing = (await (await fetch(`${door}/files/`, { headers })).json()) as { entries: Array<{ name: string }> }
	if (!listing.entries.some(({ name }) => name === 'many')) throw new Error('the directory is not there')
	await fillCatalogue(at('catalogue.db'), { parent: idOf('many'), directories: 0, files: ENTRIES })
	let slowest = 0
	for (let page = 0; page < 20; page++) {
		const after = page === 0 ? '' : `&after=f${Math.floor((ENTRIES / 20) * page)}`
		const began = performance.now()
		await (await fetch(`${door}/files/many?limit=1000${after}`, { headers })).arrayBuffer()
		// The first is what the page costs a catalogue that has just been filled.
		if (page > 0) slowest = Math.max(slowest, performance.now() - began)
	}
	return slowest
}

function idOf(name: string): number {
	const said = execFileSync('sqlite3', [at('catalogue.db'), `SELECT file_id FROM entry WHERE parent_id = 1 AND name = CAST('${name}' AS BLOB)`], { encoding: 'utf8' })
	return Number(said.trim())
}

try {
	await main()
} finally {
	for (const child of running) child.kill('SIGTERM')
	await Promise.all(running.map((child) => (child.exitCode !== null ? undefined : new Promise((resolve) => child.on('exit', resolve)))))
	rmSync(directory, { recursive: true, force: true })
}
