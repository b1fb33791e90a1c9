/** Answers questions about this process on its socket, for as long as it runs. */
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Family } from '../metrics/family.ts'
import { runDirectory, socketPrefix } from './directory.ts'
import type { TopEntry } from './top.ts'

export interface Offered {
	/** Of the configuration: who asks has the same. */
	catalogue: string
	/** `mount /mnt/all`, `replicator`, `api`. */
	what: string
	metrics(): Family[]
	/** Operations of the last moment; of processes that serve some. */
	top?(): TopEntry[]
	report(line: string): void
}

/** What is asked is one word. */
const QUESTION_BYTES_MAX = 64
const ASKING_MAX = 16
const SILENT_MS_MAX = 5_000

/** A process that cannot be asked does its work all the same. Call the result to end. */
export function offer(offered: Offered): () => void {
	const { catalogue, what, report } = offered
	const server = createServer({ allowHalfOpen: true }, (socket) => {
		let question = ''
		socket.setTimeout(SILENT_MS_MAX, () => socket.destroy())
		socket.on('error', () => socket.destroy())
		socket.on('data', (bytes) => {
			question += bytes.toString('latin1')
			if (question.length > QUESTION_BYTES_MAX) return socket.destroy()
			if (question.includes('\n')) socket.end(JSON.stringify({ what, pid: process.pid, ...answerTo(question.trim(), offered) }))
		})
	})
	server.maxConnections = ASKING_MAX
	server.on('error', (error) => report(`${what}: nobody can ask it for metrics: ${error.message}`))
	server.unref()
	let path: string
	try {
		path = join(runDirectory(process.env), `${socketPrefix(catalogue)}${process.pid}`)
	} catch (error) {
		report(`${what}: nobody can ask it for metrics: ${(error as Error).message}`)
		return () => undefined
	}
	// Of a process that had this number before.
	rmSync(path, { force: true })
	server.listen({ path, readableAll: false, writableAll: false })
	return () => void server.close()
}

function answerTo(question: string, { metrics, top }: Offered): object {
	if (question === 'metrics') return { families: metrics() }
	if (question === 'top') return { entries: top?.() ?? [] }
	return {}
}
