/**
 * Children. This process never touches a mount itself: a hung daemon would take it along. What does is a child with a
 * deadline, and every daemon ends with us, however that happens.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'

const DEADLINE_MS = 120_000
const START_MS_MAX = 30_000
const STOP_MS_MAX = 15_000
const OUTPUT_BYTES_MAX = 1_000_000
const MOUNT_POLL_MS = 20

export class DeadlinePassed extends Error {}

export interface RunOptions {
	deadlineMs?: number
	directory?: string
}

/** What the command printed. Throws with its last line of complaint, or DeadlinePassed. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
	const deadlineMs = options.deadlineMs ?? DEADLINE_MS
	const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], cwd: options.directory })
	const output = collect(child.stdout)
	const complaint = collect(child.stderr)
	return new Promise((resolve, reject) => {
		// A child stuck in a mount cannot even be killed before the daemon is: it is left behind, not waited for.
		const late = setTimeout(() => {
			child.kill('SIGKILL')
			child.unref()
			reject(new DeadlinePassed(`${basename(command[0])} took longer than ${deadlineMs / 1000} s`))
		}, deadlineMs)
		child.once('error', (error) => {
			clearTimeout(late)
			reject(error)
		})
		child.once('close', (code, signal) => {
			clearTimeout(late)
			if (code === 0) resolve(output())
			else reject(new Error(lastLine(complaint()) || `${basename(command[0])} ended with ${signal ?? code}`))
		})
	})
}

/** Those that nobody has stopped yet: also one that is only starting when the run is interrupted. */
const running = new Set<() => Promise<void>>()

export async function stopDaemons(): Promise<void> {
	for (const stop of [...running].reverse()) await stop()
}

export interface Daemon {
	readonly pid: number
	stop(): Promise<void>
}

/** Starts a daemon that serves `mountPoint`; there when it printed `readyLine`, or when the mount stands if none is given. */
export async function startDaemon(
	command: readonly string[],
	{ mountPoint, readyLine }: { mountPoint: string; readyLine?: RegExp },
): Promise<Daemon> {
	const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...command], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
	const complaint = collect(child.stderr)
	const stop = async () => {
		running.delete(stop)
		await stopDaemon(child, mountPoint)
	}
	running.add(stop)
	const ready = readyLine ? lineOf(child, readyLine) : mountOf(child, mountPoint)
	if (!readyLine) child.stdout.resume()
	try {
		await withDeadline(ready, START_MS_MAX, () => `${command[0]} was not ready within ${START_MS_MAX / 1000} s.`)
	} catch (error) {
		await stop()
		throw new Error(`${(error as Error).message} ${lastLine(complaint())}`.trim())
	}
	return { pid: child.pid as number, stop }
}

/** In MiB: all that is resident, and the part of it that is mapped files (the program's own, a database's). */
export interface Resident {
	readonly all: number
	readonly mapped: number
}

/** The launcher becomes the daemon: there are no descendants to look for. */
export function residentMib(pid: number): Resident {
	const status = readFileSync(`/proc/${pid}/status`, 'utf8')
	const mib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024
	return { all: mib('VmRSS'), mapped: mib('RssFile') }
}

async function stopDaemon(child: ChildProcess, mountPoint: string): Promise<void> {
	if (isRunning(child)) {
		const ended = once(child, 'exit')
		child.kill('SIGTERM')
		await withDeadline(ended, STOP_MS_MAX, () => '').catch(() => killGroup(child))
	}
	killGroup(child)
	if (isMounted(mountPoint)) await run(['umount', '-l', mountPoint])
}

/** A launcher may have started the daemon as its child: they share the group that `detached` made. */
function killGroup(child: ChildProcess): void {
	try {
		process.kill(-(child.pid as number), 'SIGKILL')
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
	}
}

function isRunning(child: ChildProcess): boolean {
	return child.exitCode === null && child.signalCode === null
}

function lineOf(child: ChildProcess & { stdout: NodeJS.ReadableStream }, wanted: RegExp): Promise<void> {
	return new Promise((resolve, reject) => {
		createInterface({ input: child.stdout }).on('line', (line) => wanted.test(line) && resolve())
		child.once('error', reject)
		child.once('exit', (code) => reject(new Error(`ended with ${code} before it was ready.`)))
	})
}

async function mountOf(child: ChildProcess, mountPoint: string): Promise<void> {
	while (!isMounted(mountPoint)) {
		if (!isRunning(child)) throw new Error(`ended with ${child.exitCode} before it was mounted.`)
		await new Promise((resolve) => setTimeout(resolve, MOUNT_POLL_MS))
	}
}

function isMounted(mountPoint: string): boolean {
	return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${mountPoint} `)
}

function collect(stream: NodeJS.ReadableStream): () => string {
	let text = ''
	stream.on('data', (piece: Buffer) => {
		text = (text + piece).slice(-OUTPUT_BYTES_MAX)
	})
	return () => text
}

function lastLine(text: string): string {
	return text.trim().split('\n').at(-1) ?? ''
}

async function withDeadline<T>(promise: Promise<T>, milliseconds: number, message: () => string): Promise<T> {
	let late: NodeJS.Timeout | undefined
	const deadline = new Promise<never>((_, reject) => {
		late = setTimeout(() => reject(new DeadlinePassed(message())), milliseconds)
	})
	try {
		return await Promise.race([promise, deadline])
	} finally {
		clearTimeout(late)
	}
}
