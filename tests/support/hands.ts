/**
 * Hands touch the mount so that the test runner never does: a child process that runs one function of a module at a time,
 * synchronously, and is killed when a deadline passes. A hung mount costs a pair of hands, not the run.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type * as calls from './calls.ts'
import { PATIENCE_MS } from './until.ts'

type Calls = typeof calls

export interface Hands {
	readonly pid: number
	/** One of calls.ts: its result, or an error with the errno's name as its code. */
	do<Name extends keyof Calls>(name: Name, ...args: Parameters<Calls[Name]>): Promise<ReturnType<Calls[Name]>>
	/** Any exported function of a module; what it passes to `report` while it runs goes to `onReport`. */
	run<T>(module: string, name: string, args: unknown[], options?: RunOptions): Promise<T>
	end(): void
}

export interface RunOptions {
	deadlineMs?: number
	onReport?: (report: unknown) => void
}

export type Answer =
	| { id: number; kind: 'result'; value: unknown }
	| { id: number; kind: 'error'; code?: string; message: string; stack?: string }
	| { id: number; kind: 'report'; value: unknown }

const CALLS = fileURLToPath(new URL('./calls.ts', import.meta.url))
const PROCESS = fileURLToPath(new URL('./hands-process.ts', import.meta.url))

export function takeHands(): Hands {
	const child = fork(PROCESS, [], { serialization: 'advanced', execArgv: [] })
	let last = 0
	const run = <T>(module: string, name: string, args: unknown[], options: RunOptions = {}) => {
		const id = ++last
		return answered<T>(child, { id, name, ...options }, () => child.send({ id, module, name, args }))
	}
	return {
		pid: child.pid as number,
		do: (name, ...args) => run(CALLS, name, args),
		run,
		end: () => {
			child.kill('SIGKILL')
			child.unref()
			child.channel?.unref()
		},
	}
}

/** What `body` does with a pair of hands that end with it. */
export async function withHands<T>(body: (hands: Hands) => Promise<T>): Promise<T> {
	const hands = takeHands()
	try {
		return await body(hands)
	} finally {
		hands.end()
	}
}

interface Question extends RunOptions {
	id: number
	name: string
}

function answered<T>(child: ChildProcess, question: Question, ask: () => void): Promise<T> {
	return new Promise((resolve, reject) => {
		const deadlineMs = question.deadlineMs ?? PATIENCE_MS
		const timer = setTimeout(() => {
			child.kill('SIGKILL')
			settle(() => reject(new Error(`${question.name} did not return within ${deadlineMs} ms`)))
		}, deadlineMs)
		const settle = (done: () => void) => {
			clearTimeout(timer)
			child.off('message', onMessage)
			child.off('exit', onExit)
			done()
		}
		const onExit = () => settle(() => reject(new Error(`the process that ran ${question.name} ended`)))
		const onMessage = (message: unknown) => {
			const answer = message as Answer
			if (answer.id !== question.id) return
			if (answer.kind === 'report') question.onReport?.(answer.value)
			else if (answer.kind === 'result') settle(() => resolve(answer.value as T))
			else settle(() => reject(asError(answer)))
		}
		child.on('message', onMessage)
		child.on('exit', onExit)
		ask()
	})
}

function asError(answer: { code?: string; message: string; stack?: string }): Error {
	const error = new Error(answer.message)
	error.stack = answer.stack
	return Object.assign(error, { code: answer.code })
}
