/** The child's side of hands.ts: takes a question, runs the function, sends the answer. */
import { pathToFileURL } from 'node:url'
import type { Answer } from './hands.ts'

interface Question {
	id: number
	module: string
	name: string
	args: unknown[]
}

let current = 0

/** Called by a function that runs here: tells the test runner something before the function returns; resolves when it is on its way. */
export function report(value: unknown): Promise<void> {
	return send({ id: current, kind: 'report', value })
}

function send(answer: Answer): Promise<void> {
	return new Promise((resolve) => process.send?.(answer, () => resolve()))
}

async function answer(question: Question): Promise<Answer> {
	current = question.id
	try {
		const module = await import(pathToFileURL(question.module).href)
		return { id: question.id, kind: 'result', value: await module[question.name](...question.args) }
	} catch (error) {
		const { code, message, stack } = error as NodeJS.ErrnoException
		return { id: question.id, kind: 'error', code, message: message ?? String(error), stack }
	}
}

process.umask(0o022)
process.on('message', (question: Question) => void answer(question).then(send))
process.on('disconnect', () => process.exit())
