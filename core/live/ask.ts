/** Asks the processes of one installation on this machine. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../errors.ts'
import type { Path } from '../ids.ts'
import type { Family } from '../metrics/family.ts'
import type { Explanation } from '../stats/explanation.ts'
import { runDirectory, socketPrefix } from './directory.ts'
import type { Explained, WrittenExplanation } from './explained.ts'
import type { TopEntry } from './top.ts'

export interface Answer {
	what: string
	pid: number
	families?: Family[]
	entries?: TopEntry[]
	explanation?: Explained
}

/** A process that is busy for longer is left out. */
const ANSWER_MS_MAX = 1_000
const ANSWER_BYTES_MAX = 16 * 1024 * 1024

/** Those that answer; never this process itself. */
export async function askAll(catalogue: string, question: 'metrics' | 'top'): Promise<Answer[]> {
	const answers = await Promise.all((await sockets(catalogue)).map((path) => ask(path, question)))
	return answers.filter((answer) => answer !== undefined)
}

/** What the first process says that can say something; undefined where none runs. */
export async function askWhy(catalogue: string, path: Path): Promise<Explanation | 'nothing there' | undefined> {
	const question = `why ${path.toString('base64')}`
	const asked = (await sockets(catalogue)).map(async (socket) => {
		const explanation = (await ask(socket, question))?.explanation
		if (explanation === undefined) throw new Error('not from this one')
		return explanation
	})
	const said = await Promise.any(asked).catch(() => undefined)
	return typeof said === 'object' ? read(said) : said
}

function read({ paths, hash, ...rest }: WrittenExplanation): Explanation {
	return { ...rest, paths: paths.map((path) => Buffer.from(path, 'base64')), hash: hash === undefined ? undefined : Buffer.from(hash, 'base64') }
}

async function sockets(catalogue: string): Promise<string[]> {
	const directory = runDirectory(process.env)
	const prefix = socketPrefix(catalogue)
	const names = (await readdir(directory)).filter((name) => name.startsWith(prefix) && name !== `${prefix}${process.pid}`)
	return names.sort().map((name) => join(directory, name))
}

async function ask(path: string, question: string): Promise<Answer | undefined> {
	try {
		return JSON.parse(await exchange(path, question)) as Answer
	} catch (error) {
		// Its process was killed.
		if (codeOf(error) === 'ECONNREFUSED') await rm(path, { force: true })
		return undefined
	}
}

/** Node's sockets take a few milliseconds to load, which nobody spends where no process runs. */
async function exchange(path: string, question: string): Promise<string> {
	const { connect } = await import('node:net')
	return await new Promise((resolve, reject) => {
		const chunks: Buffer[] = []
		let bytes = 0
		const socket = connect(path, () => socket.write(`${question}\n`))
		const timer = setTimeout(() => socket.destroy(new Error('no answer')), ANSWER_MS_MAX)
		socket.on('data', (chunk) => {
			chunks.push(chunk)
			bytes += chunk.length
			if (bytes > ANSWER_BYTES_MAX) socket.destroy(new Error('the answer does not end'))
		})
		socket.on('error', reject)
		socket.on('end', () => resolve(Buffer.concat(chunks).toString()))
		socket.on('close', () => {
			clearTimeout(timer)
			reject(new Error('no answer'))
		})
	})
}
