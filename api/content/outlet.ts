/** The connection of an answer as the kernel knows it, so that bytes of a file may go there from the file. */
import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Outlet } from '../../core/filesystem/read-content.ts'
import { close, dup } from '../../core/libc.ts'

/** Node ends a connection on which it sees nothing for a while, and what the kernel sends it does not see. */
const SEEN_MS = 1_000

const beside = new WeakMap<Socket, number>()

/** Bytes that went to a connection past node. */
export function sentBeside(socket: Socket): number {
	return beside.get(socket) ?? 0
}

export type OpenOutlet = Outlet & { close(): void }

/** Undefined where bytes have to be made into something else on their way, or the answer has to wait for another. */
export function openOutlet(raw: ServerResponse): OpenOutlet | undefined {
	const { socket } = raw
	if (!(socket instanceof Socket) || socket instanceof TLSSocket) return undefined
	const { fd = -1 } = (socket as unknown as { _handle?: { fd?: number } })._handle ?? {}
	// One of our own: node may close its own, and the system give that number to another, while a thread sends.
	const own = fd < 0 ? -1 : dup(fd)
	if (own === -1) return undefined
	let seenMs = performance.now()
	return {
		fd: own,
		isOver() {
			if (performance.now() - seenMs > SEEN_MS && socket.timeout !== undefined) {
				seenMs = performance.now()
				socket.setTimeout(socket.timeout)
			}
			return raw.destroyed
		},
		write: (bytes) =>
			new Promise((resolve) => {
				const done = () => {
					raw.off('close', done)
					resolve()
				}
				raw.on('close', done)
				raw.write(bytes, done)
			}),
		sent: (bytes) => void beside.set(socket, sentBeside(socket) + bytes),
		close: () => void close(own),
	}
}
