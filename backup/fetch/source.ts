/**
 * Where a file's bytes are fetched: from the server itself, or, where the keeper offers it and the owner of this folder allows it, from a
 * plain web server. What that one cannot do is fetched from the first.
 */
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Run } from '../work/run.ts'
import { type Body, bodyOf } from '../wire/body.ts'
import { Broken } from '../wire/failures.ts'
import { problemOf, type Source } from './download.ts'
import type { Wanted } from './wanted.ts'

const IDLE_MS_MAX = 60_000

/** The other place, if there is one that may be used. */
export function directOf({ isDirectAllowed, hello: { direct, bytesPerSecond } }: Run): string | undefined {
	return isDirectAllowed && direct !== null && bytesPerSecond !== 0 && /^https?:\/\//.test(direct) ? direct : undefined
}

export function sourceOf(run: Run, wanted: Wanted, prefix: string): Source {
	let isUseful = true
	return {
		async open(file, from, isLarge) {
			if (isUseful) {
				const answer = await openDirect(prefix, wanted.path, from).catch(() => undefined)
				if (answer && isWhatWasAsked(answer, wanted, from)) return held(run, bodyOf(answer))
				answer?.destroy()
				isUseful = false
			}
			return await run.client.open(file, from, isLarge)
		},
	}
}

/** Its tags are its own. */
function isWhatWasAsked({ statusCode, headers }: IncomingMessage, wanted: Wanted, from: number): boolean {
	delete headers.etag
	return statusCode === (from > 0 ? 206 : 200) && problemOf({ statusCode, headers }, wanted, from) === undefined
}

/** No faster than the server would send it: all that is under way together. */
function held({ throttle, hello }: Run, body: Body): Body {
	return {
		...body,
		each: (use) =>
			body.each((part) => {
				const until = use(part)
				const ms = throttle.reserve(part.length, hello.bytesPerSecond ?? undefined)
				return ms > 0 ? Promise.resolve(until).then(() => sleep(ms)) : until
			}),
	}
}

function openDirect(prefix: string, path: Buffer, from: number): Promise<IncomingMessage> {
	const url = new URL(prefix)
	const { get } = url.protocol === 'https:' ? https : http
	const names = path.toString('latin1').split('/').map((name) => encodeBytes(name))
	const headers = { 'accept-encoding': 'identity', ...(from > 0 ? { range: `bytes=${from}-` } : {}) }
	return new Promise((resolve, reject) => {
		const sent = get(url, { path: `${url.pathname.replace(/\/$/, '')}/${names.join('/')}`, headers, timeout: IDLE_MS_MAX }, resolve)
		sent.on('timeout', () => sent.destroy(new Broken('the server says nothing')))
		sent.on('error', reject)
	})
}

function encodeBytes(name: string): string {
	return name.replace(/[^A-Za-z0-9._~-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}
