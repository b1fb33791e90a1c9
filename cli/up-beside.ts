/**
 * What `cairn up` runs beside the mount, each in a process of its own so that the mount stays quick. It ends with `up`, however
 * that ends, and is started again when it ends by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { codeOf } from '../core/errors.ts'
import { createPause } from '../replicator/service/pause.ts'
import type { Beside } from './serve.ts'
import type { Deps } from './verb.ts'

const RESTART = { firstMs: 1_000, mostMs: 60_000 }
const LOOK_MS = 500
/** Run for this long, it was well: the next start comes soon again. */
const WELL_MS = 60_000
const END_DEADLINE_MS = 8_000
/** People at the mount come first. */
const NICENESS = 10

const READY = 'ready: '

interface Hearers extends Pick<Deps, 'warn'> {
	/** An address at which somebody is listened to from now on, each time it is so. */
	listens?(address: string): void
}

/** A verb that stays. What it says is passed on. */
export function startBeside(verb: 'replicator' | 'api', configFile: string, { warn, listens }: Hearers): Beside {
	const pause = createPause(RESTART)
	let child: ChildProcess | undefined
	let isEnding = false

	function start(): void {
		const startedMs = performance.now()
		const started = launch(verb, configFile, (line) => {
			if (listens && line.startsWith(READY)) listens(line.slice(READY.length))
			else warn(`${verb}: ${line}`)
		})
		child = started
		started.on('error', (error) => warn(`cairn ${verb} cannot be started: ${error.message}`))
		started.on('exit', (code, signal) => {
			child = undefined
			if (isEnding) return
			if (performance.now() - startedMs > WELL_MS) pause.end()
			pause.longer()
			if (code !== 0) warn(`cairn ${verb} ended with ${signal ?? code} and will be started again`)
		})
	}

	start()
	const looking = setInterval(() => {
		if (!child && !isEnding && pause.isOver()) start()
	}, LOOK_MS)

	return {
		reload: () => void child?.kill('SIGHUP'),
		async end() {
			isEnding = true
			clearInterval(looking)
			if (child) await ended(child)
		},
	}
}

function launch(verb: string, configFile: string, say: (line: string) => void): ChildProcess {
	const words = [...process.execArgv, process.argv[1], verb, '--config', configFile]
	// The channel is for nothing but its end: that tells the child that this process is gone.
	// As the launcher has it for a replicator.
	const env = { MALLOC_ARENA_MAX: '2', ...process.env }
	const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env })
	for (const stream of [child.stdout, child.stderr]) {
		if (stream) createInterface({ input: stream }).on('line', (line) => say(line.replace(/^cairn: /, '')))
	}
	child.on('spawn', () => makeNice(child.pid as number))
	return child
}

function makeNice(pid: number): void {
	try {
		setPriority(pid, NICENESS)
	} catch (error) {
		// It has ended already, which its exit tells.
		if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EIO') throw error
	}
}

/** What it is copying can be gone on with; a node that hangs must not keep it for ever. */
async function ended(child: ChildProcess): Promise<void> {
	const exited = once(child, 'exit')
	const late = setTimeout(() => child.kill('SIGKILL'), END_DEADLINE_MS)
	child.kill('SIGTERM')
	await exited
	clearTimeout(late)
}
