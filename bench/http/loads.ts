/** What is asked of a door: by wrk, by curl, by connections that hardly read. */
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, copyFileSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { fillCatalogue } from '../million.ts'
import type { Installation } from './installation.ts'

const GIB = 1024 ** 3
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: GIB }
const CHUNK = Buffer.alloc(4 * 1024 * 1024, 'x')
export const ENTRIES = 1_000_000
const PAGES = 20
const BARE_CATALOGUE = fileURLToPath(new URL('bare-catalogue.ts', import.meta.url))

export interface Asking {
	connections: number
	seconds: string
	headers?: Readonly<Record<string, string>>
	script?: string
}

/** Requests and bytes a second. */
export function wrk(url: string, { connections, seconds, headers = {}, script }: Asking): { requests: number; bytes: number } {
	const said = execFileSync('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', ...asArguments(headers), ...(script ? ['-s', script] : []), url], { encoding: 'utf8' })
	if (/Non-2xx/.test(said)) throw new Error(`${url}: ${said}`)
	const [, requests] = /Requests\/sec:\s+([\d.]+)/.exec(said) ?? []
	const [, amount, unit] = /Transfer\/sec:\s+([\d.]+)([KMG]?)B/.exec(said) ?? []
	return { requests: Number(requests), bytes: Number(amount) * UNITS[unit ?? ''] }
}

function asArguments(headers: Readonly<Record<string, string>>): string[] {
	return Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
}

export function putScript({ at }: Installation): string {
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

/** Files a second of nginx where a catalogue has their rows too: by a program that does nothing else, as soon as wrk has ended. */
export function putWithRows({ nginx, bareCatalogue, at }: Installation, asking: Asking): number {
	const seconds = Number(asking.seconds)
	const files = Math.round(wrk(`${nginx}/put/rows`, asking).requests * seconds)
	const database = at('rows.db')
	copyFileSync(bareCatalogue, database)
	const took = Number(execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', BARE_CATALOGUE, database, String(files)], { encoding: 'utf8' }))
	for (const end of ['', '-wal', '-shm']) rmSync(database + end, { force: true })
	return files / (seconds + took)
}

const FORM = `method = "POST"
headers = { ["Content-Type"] = "multipart/form-data; boundary=------------------------d74496d66958873e" }
for name, value in pairs(wrk.headers) do headers[name] = value end
body = '--------------------------d74496d66958873e\\r\\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\\r\\n'
	.. 'Content-Type: image/jpeg\\r\\n\\r\\n' .. body .. '\\r\\n--------------------------d74496d66958873e--\\r\\n'`

/** Asks where an object may be put, then puts one there: half of the requests are uploads. As it is, or as SeaweedFS' own clients do, in a form. */
export function objectScript({ at }: Installation, how: 'raw' | 'form'): string {
	const path = at(`object-${how}.lua`)
	writeFileSync(
		path,
		`local fids = {}
local body = string.rep("x", 1024)
local method, headers = "PUT", nil
${how === 'form' ? FORM : ''}
request = function()
	local fid = table.remove(fids)
	if fid then return wrk.format(method, "/" .. fid, headers, body) end
	return wrk.format("GET", "/dir/assign")
end
response = function(status, headers, body)
	local fid = body:match('"fid":%s*"([^"]+)"')
	if fid then table.insert(fids, fid) end
end\n`,
	)
	return path
}

/** Bytes a second of a GiB. What others have written, or the last round, does not wait to be written any more. */
export async function putGib({ door, headers }: Installation): Promise<number> {
	execFileSync('sync')
	const url = `${door}/files/gib`
	const began = performance.now()
	const child = spawn('curl', ['-sSf', '-T', '-', '-o', '/dev/null', ...asArguments(headers), url], { stdio: ['pipe', 'inherit', 'inherit'] })
	const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
	for (let sent = 0; sent < GIB; sent += CHUNK.length) if (!child.stdin.write(CHUNK)) await new Promise((resolve) => child.stdin.once('drain', resolve))
	child.stdin.end()
	if ((await ended) !== 0) throw new Error(`${url}: not taken`)
	const rate = GIB / ((performance.now() - began) / 1000)
	await fetch(url, { method: 'DELETE', headers })
	return rate
}

/** The same by write(2) alone. */
export function writeGib({ at }: Installation): number {
	execFileSync('sync')
	const began = performance.now()
	const fd = openSync(at('disk'), 'w')
	for (let written = 0; written < GIB; written += CHUNK.length) writeSync(fd, CHUNK)
	closeSync(fd)
	const rate = GIB / ((performance.now() - began) / 1000)
	rmSync(at('disk'))
	return rate
}

/** MiB, while five hundred ask for the large file and hardly read. */
export async function memoryOfSlow({ port, pid, headers }: Installation): Promise<number> {
	const sockets = Array.from({ length: 500 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
	for (const socket of sockets) {
		socket.write(`GET /files/large HTTP/1.1\r\nhost: x\r\nauthorization: ${headers.authorization}\r\n\r\n`)
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

const memoryMiB = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

export async function fillMany({ catalogue }: Installation): Promise<void> {
	const said = execFileSync('sqlite3', [catalogue, "SELECT file_id FROM entry WHERE parent_id = 1 AND name = CAST('many' AS BLOB)"], { encoding: 'utf8' })
	await fillCatalogue(catalogue, { parent: Number(said.trim()), directories: 0, files: ENTRIES })
}

/** Milliseconds of the slowest of twenty pages, from places all over. */
export async function slowestPage({ door, headers }: Installation): Promise<number> {
	let slowest = 0
	for (let page = 0; page < PAGES; page++) {
		const began = performance.now()
		await (await fetch(`${door}/files/many?limit=1000&after=f${Math.floor((ENTRIES / PAGES) * page)}`, { headers })).arrayBuffer()
		slowest = Math.max(slowest, performance.now() - began)
	}
	return slowest
}
