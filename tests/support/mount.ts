/**
 * A mounted tree for a test, as a user gets one: `cairn up` in a directory of its own. The test runner reaches the mount
 * through hands only. Whatever happens, the daemon is ended by its pid and the mount point is detached.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startMariadb } from './mariadb.ts'
import { PATIENCE_MS } from './until.ts'

export interface MountOptions {
	catalogue?: 'sqlite' | 'mariadb'
	io?: 'passthrough' | 'carried' | 'auto'
	nodes?: number
	/** 0: as many as `up` makes of itself. */
	copies?: number
	/** With a replicator beside it; without one nothing moves but what the test moves. */
	replicator?: boolean
	/** With the door over HTTP beside it. */
	api?: boolean
	/** Further words of the command line. */
	words?: string[]
	/** Called with the directory before the daemon starts: to put filesystems at node1, node2, ... */
	prepare?: (dir: string) => void | Promise<void>
}

/** A daemon that serves one mount point. */
export interface Daemon {
	readonly pid: number
	readonly mountPoint: string
	/** What it has printed so far. */
	said(): string
	/** SIGTERM, which unmounts; then everything the stop of a test owes the machine. */
	stop(): Promise<void>
	/** SIGKILL: the mount point is left behind, dead. */
	kill(): Promise<void>
}

export interface Mounted extends Daemon {
	readonly dir: string
	readonly config: string
	/** The directories of the nodes. */
	readonly nodes: string[]
	/** The catalogue as a URL or path the checker can open. */
	readonly catalogue: string
	/** Another mount of the same catalogue. */
	secondMount(): Promise<Daemon>
	/** `up` again in the same directory, after stop or kill. */
	again(): Promise<Mounted>
	/** One command of the command line with this configuration. */
	cairn(...words: string[]): Promise<Said>
	/** Stops what runs and removes the directory. */
	remove(): Promise<void>
}

export interface Said {
	code: number
	stdout: string
	stderr: string
}

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const running = new Set<{ pid: number; mountPoint: string }>()

process.on('exit', () => {
	for (const daemon of running) {
		endNow(daemon.pid)
		detach(daemon.mountPoint)
	}
})

let databases = 0

export async function startUp(options: MountOptions = {}): Promise<Mounted> {
	const { catalogue = 'sqlite', nodes = 3, copies = 1 } = options
	const dir = mkdtempSync(join(tmpdir(), 'cairn-mount-'))
	chmodSync(dir, 0o755) // cases act as other users
	const words = ['up', dir, '--nodes', `${nodes}`, ...(copies > 0 ? ['--copies', `${copies}`] : []), ...(options.words ?? [])]
	let url = join(dir, 'catalogue.db')
	if (catalogue === 'mariadb') {
		url = await (await startMariadb()).freshDatabase(`mount_${process.pid}_${++databases}`)
		words.push('--catalogue', url)
	}
	if (options.io) words.push('--io', options.io)
	if (!options.replicator) words.push('--no-replicator')
	if (!options.api) words.push('--no-api')
	await options.prepare?.(dir)
	return up({ dir, url, nodes, words, others: [] })
}

interface Plan {
	dir: string
	url: string
	nodes: number
	words: string[]
	/** Second mounts outlive an `up` that is killed and started again. */
	others: Daemon[]
}

async function up(plan: Plan): Promise<Mounted> {
	const { dir, others } = plan
	const config = join(dir, 'config.ts')
	const daemon = await start(plan.words, join(dir, 'combined'))
	const stop = async () => {
		for (const other of others.splice(0)) await other.stop()
		await daemon.stop()
	}
	return {
		...daemon,
		dir,
		config,
		catalogue: plan.url,
		nodes: Array.from({ length: plan.nodes }, (_, index) => join(dir, `node${index + 1}`)),
		stop,
		secondMount: async () => {
			const mountPoint = join(dir, `second${others.length || ''}`)
			mkdirSync(mountPoint, { recursive: true })
			const other = await start(['mount', mountPoint, '--config', config, '-f'], mountPoint)
			others.push(other)
			return other
		},
		again: () => up(plan),
		cairn: (...words) => cairn([...words, '--config', config]),
		remove: async () => {
			await stop()
			removeTree(dir)
		},
	}
}

/** Starts a verb that mounts and stays; resolves when the kernel lists the mount point. */
async function start(words: string[], mountPoint: string): Promise<Daemon> {
	const child = spawn('setpriv', ['--pdeathsig', 'TERM', CAIRN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
	let said = ''
	for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said = (said + text).slice(-100_000)))
	const record = { pid: child.pid as number, mountPoint }
	running.add(record)
	const stop = async () => {
		await endInOrder(child, mountPoint)
		running.delete(record)
	}
	try {
		const isReady = words[0] === 'up' ? () => /^ready: /m.test(said) : newlyMounted(mountPoint)
		await ready(child, isReady, () => said)
	} catch (error) {
		await stop()
		throw error
	}
	return {
		pid: record.pid,
		mountPoint,
		said: () => said,
		stop,
		kill: async () => {
			if (hasEnded(child)) return
			const exited = once(child, 'exit')
			child.kill('SIGKILL')
			await exited
		},
	}
}

/** `mount -f` says nothing when it is ready: the kernel's table does. A dead mount of before is none. */
function newlyMounted(mountPoint: string): () => boolean {
	const before = mountIds(mountPoint)
	return () => mountIds(mountPoint).some((id) => !before.includes(id))
}

function ready(child: ChildProcess, isReady: () => boolean, said: () => string): Promise<void> {
	return new Promise((resolve, reject) => {
		const failed = (why: string) => settle(() => reject(new Error(`${why}\n${said()}`)))
		const timer = setTimeout(() => failed(`not ready within ${PATIENCE_MS} ms`), PATIENCE_MS)
		const onExit = (code: number | null) => failed(`ended with ${code} before it was ready`)
		const looking = setInterval(() => {
			if (isReady()) settle(resolve)
		}, 20)
		const settle = (done: () => void) => {
			clearTimeout(timer)
			clearInterval(looking)
			child.off('exit', onExit)
			done()
		}
		child.on('exit', onExit)
	})
}

/** SIGTERM and, past the deadline, SIGKILL; the mount point is detached in any case. */
async function endInOrder(child: ChildProcess, mountPoint: string): Promise<void> {
	let late = false
	if (!hasEnded(child)) {
		const exited = once(child, 'exit')
		const timer = setTimeout(() => {
			late = true
			child.kill('SIGKILL')
		}, PATIENCE_MS)
		child.kill('SIGTERM')
		await exited
		clearTimeout(timer)
	}
	detach(mountPoint)
	if (late) throw new Error(`the daemon of ${mountPoint} did not end within ${PATIENCE_MS} ms of SIGTERM`)
}

/** Runs the command line to its end, however it ends. */
export function cairn(words: string[], deadlineMs = PATIENCE_MS): Promise<Said> {
	return new Promise((resolve) => {
		execFile(CAIRN, words, { timeout: deadlineMs, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
			const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
			resolve({ code, stdout, stderr })
		})
	})
}

/** Asks the kernel's table, which never touches the filesystem itself. */
export function isMounted(path: string): boolean {
	return mountIds(path).length > 0
}

function mountIds(path: string): string[] {
	return readFileSync('/proc/self/mountinfo', 'latin1')
		.split('\n')
		.map((line) => line.split(' '))
		.filter((fields) => fields[4] === path)
		.map(([id]) => id as string)
}

export function detach(mountPoint: string): void {
	while (isMounted(mountPoint)) {
		const { status, stderr } = spawnSync('umount', ['-l', mountPoint], { timeout: 10_000 })
		if (status !== 0) throw new Error(`umount -l ${mountPoint}: ${stderr}`)
	}
}

/** Removes a test's directory, never across a mount that is still there. */
export function removeTree(dir: string): void {
	const below = readFileSync('/proc/self/mountinfo', 'latin1')
		.split('\n')
		.map((line) => line.split(' ')[4] ?? '')
		.filter((path) => path.startsWith(`${dir}/`))
	for (const path of below.reverse()) detach(path)
	for (const name of readdirSync(dir)) {
		if (isMounted(join(dir, name))) throw new Error(`${join(dir, name)} is still mounted`)
	}
	rmSync(dir, { recursive: true, force: true })
}

function hasEnded(child: ChildProcess): boolean {
	return child.exitCode !== null || child.signalCode !== null
}

function endNow(pid: number): void {
	try {
		process.kill(pid, 'SIGKILL')
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
	}
}
