/** Answers questions about this process on its socket, for as long as it runs. */
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Path } from '../ids.ts'
import type { Family } from '../metrics/family.ts'
import { runDirectory, socketPrefix } from './directory.ts'
import type { Explained } from './explained.ts'
import { sweep } from './sweep.ts'
import type { TopEntry } from './top.ts'

export interface Offered {
	/** Of the configuration: who asks has the same. */
	catalogue: string
	/** `mount /mnt/all`, `replicator`, `api`. */
	what: string
	metrics(): Family[]
	/** Operations of the last moment; of processes that serve some. */
	top?(): TopEntry[]
	/** Of processes that use all nodes; undefined where it cannot be said just now. */
	explain?(path: Path): Promise<Explained | undefined>
	report(line: string): void
}

/** A word, and the longest path there may be as base64. */
const QUESTION_BYTES_MAX = 16_384
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
			if (!question.includes('\n')) return
			socket.removeAllListeners('data')
			void answerTo(question.trim(), offered).then((answer) => socket.end(JSON.stringify({ what, pid: process.pid, ...answer })))
		})
	})
	server.maxConnections = ASKING_MAX
	server.on('error', (error) => report(`${what}: nobody can ask it for metrics: ${error.message}`))
	server.unref()
	let path: string
	try {
		const directory = runDirectory(process.env)
		path = join(directory, `${socketPrefix(catalogue)}${process.pid}`)
		sweep(directory).catch((error: Error) => report(`${what}: ${directory}: ${error.message}`))
	} catch (error) {
		report(`${what}: nobody can ask it for metrics: ${(error as Error).message}`)
		return () => undefined
	}
	// Of a process that had this number before.
	rmSync(path, { force: true })
	server.listen({ path, readableAll: false, writableAll: false })
	return () => void server.close()
}

async function answerTo(question: string, { metrics, top, explain }: Offered): Promise<object> {
	const [word, of = ''] = question.split(' ', 2)
	if (word === 'metrics') return { families: metrics() }
	if (word === 'top') return { entries: top?.() ?? [] }
	if (word === 'why') return { explanation: await explain?.(Buffer.from(of, 'base64')) }
	return {}
}
