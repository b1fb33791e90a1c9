/**
 * Off-site copies: one agent against curl and wget, which fetch the same files from nginx and neither hash, sync nor report them; and the
 * server's memory with ten agents. `node bench/off-site.ts [--rounds N] [--dir DIR]`, as root; needs nginx, curl and wget. Prints; the document is
 * written by hand.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { buildAgent } from '../backup/build.ts'
import { run } from './processes.ts'
import { median } from './samples.ts'

const CAIRN = join(import.meta.dirname, '../cairn')
const DEADLINE_MS = 300_000
const SMALL = { files: 5_000, bytes: 51_200, directories: 50 }
const LARGE_BYTES = 2 ** 30
const AGENTS = 10
/** Of each of the ten: no file is given to two at a time. */
const TENTH_BYTES = 200 * 2 ** 20
const PORTS = { nginx: 18_471, api: 18_472 }
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, dir: { type: 'string', default: '/tmp' } } })

const directory = mkdtempSync(join(values.dir, 'cairn-bench-'))
const tree = join(directory, 'tree')
const config = join(directory, 'config.ts')
const script = join(directory, 'cairn-backup.mjs')
const cairn = (...words: string[]) => run([CAIRN, ...words, '--config', config], { deadlineMs: DEADLINE_MS })
const children: ChildProcess[] = []
const lastFolders = new Map<string, string>()
let turns = 0

async function prepare(): Promise<void> {
	mkdirSync(tree)
	const urls = []
	for (let file = 0; file < SMALL.files; file++) {
		const path = `small/${file % SMALL.directories}/${file}`
		if (file < SMALL.directories) mkdirSync(join(tree, path, '..'), { recursive: true })
		writeFileSync(join(tree, path), Buffer.alloc(SMALL.bytes, `${file} `))
		urls.push(`http://127.0.0.1:${PORTS.nginx}/${path}\n`)
	}
	writeFileSync(join(directory, 'urls'), urls.join(''))
	mkdirSync(join(tree, 'large'))
	await run(['sh', '-c', 'head -c "$2" /dev/urandom > "$1"', 'sh', join(tree, 'large/file'), `${LARGE_BYTES}`], { deadlineMs: DEADLINE_MS })
	for (let number = 1; number <= AGENTS; number++) {
		mkdirSync(join(tree, `ten-${number}`))
		await run(['sh', '-c', 'head -c "$2" "$3" > "$1"', 'sh', join(tree, `ten-${number}/file`), `${TENTH_BYTES - number}`, join(tree, 'large/file')], { deadlineMs: DEADLINE_MS })
	}
	writeFileSync(script, (await buildAgent()).text)
	writeFileSync(config, `export default ${JSON.stringify({
		catalogue: 'catalogue.db',
		classes: [{ name: 'default', pattern: '', copies: 1, offsite: AGENTS + 2 }],
		api: { listen: [{ at: `127.0.0.1:${PORTS.api}` }] },
	})}\n`)
	await cairn('init')
	await cairn('node', 'add', 'a', tree)
	await cairn('walk', '--node', 'a')
	const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/nginx-${name};`).join(' ')
	writeFileSync(join(directory, 'nginx.conf'), `daemon off; user root; master_process off; pid ${directory}/nginx.pid; error_log stderr crit; events {}
http { access_log off; sendfile on; keepalive_requests 1000000; ${temp} server { listen 127.0.0.1:${PORTS.nginx}; root ${tree}; } }\n`)
	children.push(spawn('setpriv', ['--pdeathsig', 'KILL', 'nginx', '-c', join(directory, 'nginx.conf')], { stdio: 'inherit' }))
}

/** A fresh one, as nothing that was removed a moment ago slows down what is made now. */
function place(): string {
	const path = join(directory, `turn-${++turns}`)
	mkdirSync(path)
	return path
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
	await run(['sync', '-f', directory], { deadlineMs: DEADLINE_MS })
	const start = performance.now()
	await work()
	return (performance.now() - start) / 1000
}

interface Site {
	name: string
	key: string
}

async function addSite(name: string, path: string): Promise<Site> {
	return { name, key: (await cairn('site', 'add', name, '--path', `/${path}`)).trim().split('\n').at(-1) as string }
}

/** With the proofs that are asked for as soon as a file is claimed. */
async function agent({ name, key }: Site, folder: string): Promise<void> {
	const env = { ...process.env, CAIRN_BACKUP_SERVER: `http://127.0.0.1:${PORTS.api}`, CAIRN_BACKUP_SITE: name, CAIRN_BACKUP_KEY: key, CAIRN_BACKUP_FOLDER: folder }
	const child = spawn(process.execPath, [script, '-a', 'replicate'], { env, stdio: 'inherit' })
	const [code] = await once(child, 'exit')
	if (code !== 0) throw new Error(`the agent ended with ${code}`)
}

/** Everything of the site is to be fetched again, by an agent that has nothing but its name. */
function again(site: string, before: string | undefined, folder: string): void {
	if (before !== undefined) {
		mkdirSync(join(folder, '.cairn-backup'))
		copyFileSync(join(before, '.cairn-backup/agent.json'), join(folder, '.cairn-backup/agent.json'))
	}
	const database = new DatabaseSync(join(directory, 'catalogue.db'), { timeout: 10_000 })
	database.exec(`UPDATE backup SET state = 1, version = 0, challenge = NULL WHERE site_id = (SELECT id FROM site WHERE name = '${site}')`)
	database.close()
}

async function waitForWork(site: string): Promise<void> {
	for (;;) {
		const rows = JSON.parse(await cairn('site', 'list', '--json')) as { name: string; wanted: number }[]
		if ((rows.find(({ name }) => name === site)?.wanted ?? 0) > 0) return
	}
}

async function compare(title: string, site: Site, other: [string, (to: string) => string[]]): Promise<void> {
	const ratios: number[] = []
	if (!lastFolders.has(site.name)) await waitForWork(site.name)
	for (let round = 0; round < Number(values.rounds); round++) {
		const to = place()
		const theirs = await seconds(() => run(other[1](to), { deadlineMs: DEADLINE_MS }))
		const folder = place()
		again(site.name, lastFolders.get(site.name), folder)
		lastFolders.set(site.name, folder)
		const ours = await seconds(() => agent(site, folder))
		ratios.push(theirs / ours)
		console.log(`${title}: ${other[0]} ${theirs.toFixed(2)} s, agent with proof ${ours.toFixed(2)} s`)
	}
	console.log(`${title}: ${(median(ratios) as number).toFixed(2)} x`)
}

function memoryMiB(pid: number): number {
	return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)
}

async function tenAgents(api: ChildProcess): Promise<void> {
	const sites: Site[] = []
	for (let number = 1; number <= AGENTS; number++) sites.push(await addSite(`ten-${number}`, `ten-${number}`))
	await waitForWork(`ten-${AGENTS}`)
	const samples: number[] = []
	const timer = setInterval(() => samples.push(memoryMiB(api.pid as number)), 250)
	const took = await seconds(() => Promise.all(sites.map((site) => agent(site, place()))))
	clearInterval(timer)
	const half = samples.slice(samples.length / 2)
	console.log(`ten agents, 200 MiB each: ${took.toFixed(1)} s; server ${Math.max(...samples)} MiB at most, ${median(half)} MiB in the second half`)
}

try {
	await prepare()
	const small = await addSite('small', 'small')
	const large = await addSite('large', 'large')
	const api = spawn('setpriv', ['--pdeathsig', 'KILL', CAIRN, 'api', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] })
	children.push(api)
	await once(api.stdout, 'data')
	await compare('1 GiB', large, ['curl', (to) => ['curl', '-sf', '-o', join(to, 'file'), `http://127.0.0.1:${PORTS.nginx}/large/file`]])
	await compare('1 GiB, synced', large, ['curl and sync', (to) => ['sh', '-c', 'curl -sf -o "$1/file" "$2" && sync -f "$1"', 'sh', to, `http://127.0.0.1:${PORTS.nginx}/large/file`]])
	await compare('5,000 x 50 KiB', small, ['wget -i', (to) => ['wget', '-q', '-x', '-nH', '-P', to, '-i', join(directory, 'urls')]])
	await tenAgents(api)
} finally {
	for (const child of children) child.kill('SIGKILL')
	rmSync(directory, { recursive: true, force: true })
}
