/**
 * In front of node's HTTP, which takes most of the time of a small answer: a connection on which nothing but plain requests for known
 * answers come, or small content to be stored, one at a time and each whole in one piece, is answered from here. With the first that is
 * anything else, or not whole, the connection belongs to node's HTTP from that request on, and for good: nothing is decided here about what is
 * malformed or slow.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { STATUS_CODES } from 'node:http'
import type { PlainAnswer } from '../api.ts'
import type { AtOnce } from './at-once.ts'
import type { HotAnswer } from './answers.ts'
import { createReader, type PlainHead } from './head.ts'
import type { Plainly } from './plainly.ts'

interface Options {
	atOnce: AtOnce | undefined
	plainly: Plainly | undefined
	/** To be waited for before either is asked. */
	stale: () => Promise<void> | undefined
	/** A connection on which nothing comes for so long is ended. */
	idleMs: number
	/** From then on nobody is waited for. */
	stopping: AbortSignal
}

/** Calling the result ends the connections that are here. */
export function beforeHttp(server: Server, { atOnce, plainly, stale, idleMs, stopping }: Options): () => void {
	const next = server.listeners('connection') as Array<(socket: Socket) => void>
	const here = new Map<Socket, () => void>()
	const heads = createHeads(idleMs)
	server.removeAllListeners('connection')
	server.on('connection', (socket: Socket) => {
		const read = createReader()
		let isHeld = false
		let isToEnd = false
		const leave = () => {
			socket.off('data', onData).off('end', onEnd).off('timeout', onTimeout).off('error', onError).off('close', leave)
			here.delete(socket)
		}
		const onData = (chunk: Buffer) => {
			const asked = server.listening && socket.writableLength === 0 ? read(chunk) : undefined
			if (!asked) return handOver(chunk)
			const waiting = stale()
			if (!waiting) return answer(asked, chunk)
			hold()
			const goOn = () => answer(asked, chunk)
			waiting.then(goOn, goOn)
		}
		const answer = (asked: PlainHead, chunk: Buffer) => {
			if (socket.destroyed) return
			const answered = atOnce?.(asked, socket.remoteAddress)
			if (answered) {
				const { status, answer, sent } = answered
				send(asked.method === 'HEAD' || status !== 200 ? heads.known(answer, status) : heads.whole(answer))
				return sent()
			}
			const answering = plainly?.(asked, socket.remoteAddress)
			if (!answering) return handOver(chunk)
			hold()
			void answering.then((made) => send(heads.made(made)))
		}
		/** What comes meanwhile is heard of afterwards. */
		const hold = () => {
			isHeld = true
			socket.pause()
		}
		const send = (bytes: Buffer | string) => {
			if (socket.destroyed) return
			socket.write(bytes)
			if (isToEnd) socket.end()
			if (!isHeld) return
			isHeld = false
			socket.resume()
		}
		const handOver = (chunk: Buffer) => {
			leave()
			socket.pause()
			socket.setTimeout(0)
			socket.unshift(chunk)
			for (const listener of next) listener.call(server, socket)
			socket.resume()
		}
		/** Also of who has closed his side. */
		const onEnd = () => {
			isToEnd = true
			if (!isHeld) socket.end()
		}
		/** Whoever is there and does not hang up would keep it for good. */
		const onTimeout = () => {
			if (!isHeld) socket.destroy()
		}
		const onError = () => socket.destroy()
		here.set(socket, onEnd)
		socket.setTimeout(idleMs)
		socket.on('data', onData).on('end', onEnd).on('timeout', onTimeout).on('error', onError).on('close', leave)
	})
	stopping.addEventListener('abort', () => {
		for (const socket of here.keys()) socket.destroy()
	})
	return () => {
		for (const end of here.values()) end()
	}
}

interface Heads {
	known(answer: HotAnswer, status: 200 | 304): Buffer
	/** With its content; the same for all of a second. */
	whole(answer: HotAnswer): Buffer
	/** With its body. */
	made(answer: PlainAnswer): string
}

function createHeads(idleMs: number): Heads {
	const tail = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(idleMs / 1000)}\r\n\r\n`
	let end = ''
	let second = 0
	const lines = new WeakMap<HotAnswer, string[]>()
	const wholes = new WeakMap<HotAnswer, { end: string; bytes: Buffer }>()

	function ending(): string {
		const now = Math.floor(Date.now() / 1000)
		if (now !== second) {
			second = now
			end = `Date: ${new Date(now * 1000).toUTCString()}\r\n${tail}`
		}
		return end
	}

	function known(answer: HotAnswer, status: 200 | 304): Buffer {
		let own = lines.get(answer)
		if (!own) {
			own = [linesOf(200, answer.whole), linesOf(304, answer.notModified)]
			lines.set(answer, own)
		}
		return Buffer.from(own[status === 200 ? 0 : 1] + ending(), 'latin1')
	}

	return {
		known,
		whole(answer) {
			const made = wholes.get(answer)
			if (made?.end === ending()) return made.bytes
			const bytes = Buffer.concat([known(answer, 200), answer.bytes])
			wholes.set(answer, { end, bytes })
			return bytes
		},
		made({ status, headers, body }) {
			const text = JSON.stringify(body)
			return `${linesOf(status, Object.entries(headers).flat())}content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\n${ending()}${text}`
		},
	}
}

function linesOf(status: number, namesAndValues: readonly string[]): string {
	let text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`
	for (let at = 0; at < namesAndValues.length; at += 2) text += `${namesAndValues[at]}: ${namesAndValues[at + 1]}\r\n`
	return text
}
