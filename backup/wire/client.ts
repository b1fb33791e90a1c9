/** Questions and answers, asked again where that makes sense. */
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, Ending } from '../exit-codes.ts'
import { BadAnswer, type Json, objectIn } from './answers.ts'
import { type Body, bodyOf } from './body.ts'
import { type Asked, type Exchange, openExchange, type Who } from './exchange.ts'
import { Broken, NotNow, Refusal } from './failures.ts'

const ROOT = '/backup/v1'
const ANSWER_BYTES_MAX = 16 * 2 ** 20
/** A server that does not answer for so long ends the run. */
const PATIENCE_MS = 300_000
const PATIENCE_AT_START_MS = 6_000
const WAIT_MS_MAX = 300_000
/** Asked to wait longer than this, a run had better end: the next one comes anyway. */
const WAIT_S_MAX = 300

export interface Client {
	/** The answer's JSON. Asked again until the patience is at its end. */
	call(method: string, path: string, body?: object): Promise<Json>
	put(path: string, bytes: Buffer): Promise<Json>
	/** A file's bytes, once, whatever comes. */
	open(path: string, from: number, isLarge: boolean): Promise<Body>
	/** Several files in one answer, once. */
	bundle(files: readonly { id: number; version: number }[]): Promise<IncomingMessage>
	close(): void
}

export function openClient(who: Who): Client {
	const exchange = openExchange(who)
	let patienceMs = PATIENCE_AT_START_MS

	async function ask(asked: Asked): Promise<Json> {
		const untilMs = performance.now() + patienceMs
		for (let tries = 0; ; tries++) {
			try {
				const answer = await once(exchange, asked)
				patienceMs = PATIENCE_MS
				return answer
			} catch (error) {
				const waitMs = waitAfter(error, tries)
				if (performance.now() + waitMs > untilMs) throw givenUp(error)
				await sleep(waitMs)
			}
		}
	}

	return {
		call: (method, path, body) =>
			ask({ method, target: ROOT + path, ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }) }),
		put: (path, bytes) => ask({ method: 'PUT', target: ROOT + path, body: bytes, type: 'application/octet-stream' }),
		open: async (path, from, isLarge) => {
			const asked: Asked = { method: 'GET', target: ROOT + path, from }
			const straight = isLarge ? await exchange.sendStraight(asked) : undefined
			if (straight) return straight
			const answer = await signedAgain(exchange, asked)
			if (answer.statusCode === 200 || answer.statusCode === 206) return bodyOf(answer)
			throw await refusalOf(answer)
		},
		bundle: async (files) => {
			const body = Buffer.from(JSON.stringify({ files: files.map(({ id, version }) => ({ id, version })) }))
			const answer = await signedAgain(exchange, { method: 'POST', target: `${ROOT}/bundle`, body })
			if (answer.statusCode === 200) return answer
			throw await refusalOf(answer)
		},
		close: () => exchange.close(),
	}
}

async function once(exchange: Exchange, asked: Asked): Promise<Json> {
	const answer = await signedAgain(exchange, asked)
	if (answer.statusCode !== 200) throw await refusalOf(answer)
	return await jsonOf(answer)
}

/** A clock that is wrong here is corrected by the server's; what was taken for a repetition gets another nonce. */
async function signedAgain(exchange: Exchange, asked: Asked): Promise<IncomingMessage> {
	const answer = await exchange.send(asked)
	if (answer.statusCode !== 401) return answer
	const refusal = await refusalOf(answer)
	if (refusal.code !== 'clock' && refusal.code !== 'replay') throw refusal
	const { serverAt } = refusal.details
	if (refusal.code === 'clock' && typeof serverAt === 'number') exchange.setClock(Math.floor(serverAt))
	return await exchange.send(asked)
}

async function refusalOf(answer: IncomingMessage): Promise<Refusal> {
	const status = answer.statusCode as number
	if (status < 400) {
		answer.destroy()
		return new Refusal(status, { message: `the server answered ${status}; where that leads is not looked at` })
	}
	return new Refusal(status, await jsonOf(answer).catch(() => ({})))
}

async function jsonOf(answer: IncomingMessage): Promise<Json> {
	const parts: Buffer[] = []
	let bytes = 0
	try {
		for await (const part of answer as AsyncIterable<Buffer>) {
			bytes += part.length
			if (bytes > ANSWER_BYTES_MAX) throw new BadAnswer('an answer without end')
			parts.push(part)
		}
	} catch (error) {
		throw error instanceof BadAnswer ? error : new Broken((error as Error).message)
	}
	try {
		return objectIn(JSON.parse(Buffer.concat(parts).toString()), 'the answer')
	} catch {
		throw new BadAnswer('what the server answered is no JSON')
	}
}

/** In milliseconds; throws what is not to be asked again. */
function waitAfter(error: unknown, tries: number): number {
	if (error instanceof Refusal) {
		if (error.code === 'paused' || error.code === 'closed-hour') throw new NotNow(`${error.message}${comeBack(error)}`)
		if (![429, 500, 502, 503, 504].includes(error.status)) throw error
		if ((error.retryAfterS ?? 0) > WAIT_S_MAX) throw new NotNow(`${error.message}${comeBack(error)}`)
		if (error.retryAfterS !== undefined) return error.retryAfterS * 1000 * (1 + Math.random() / 10)
	} else if (!(error instanceof Broken)) throw error
	return Math.min(1000 * 2 ** tries, WAIT_MS_MAX) * (0.75 + Math.random() / 2)
}

function comeBack({ retryAfterS }: Refusal): string {
	return retryAfterS === undefined ? '' : `; to come back ${new Date(Date.now() + retryAfterS * 1000).toISOString().slice(0, 16)}Z`
}

function givenUp(error: unknown): Error {
	return new Ending(EXIT.unreachable, `the server cannot be used now: ${(error as Error).message}`)
}
