/** The addresses of the configuration. */
import { readFileSync, rmSync, statSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { FastifyInstance, FastifyListenOptions } from 'fastify'
import { codeOf, UserError } from '../core/errors.ts'
import { EXIT } from '../core/exit-codes.ts'

const UNIX = 'unix:'
/** Of what a process may have open: a connection may want a file of a node besides, and a way from there to it, and the door itself has some. */
const SHARE_OF_CONNECTIONS = 1 / 4
const OPEN_FILES = 1_024

/** At an address, one of so many. Whoever comes when there are as many is ended; else he would take the files from those who are being served. */
export function connectionsMax(addresses: number): number {
	const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
	return Math.floor((Number(soft ?? OPEN_FILES) * SHARE_OF_CONNECTIONS) / addresses)
}

/** Where it listens, as a person would type it; the port is the real one also where 0 was asked for. */
export async function listen(app: FastifyInstance, at: string, { secure, shared }: { secure: boolean; shared: boolean }): Promise<string> {
	if (at.startsWith(UNIX)) await clearSocket(at.slice(UNIX.length))
	try {
		// Each of those who share it has a queue of its own, and the kernel spreads connections over them.
		await app.listen({ ...toOptions(at), ...(shared && !at.startsWith(UNIX) ? { reusePort: true } : {}) })
	} catch (error) {
		throw cannotListen(at, error)
	}
	const address = app.server.address()
	if (typeof address === 'string' || address === null) return at
	return `${secure ? 'https' : 'http'}://${at.slice(0, at.lastIndexOf(':'))}:${address.port}`
}

/** An address that is to be shared is to be nobody else's before: who shares it too would get half of what comes. */
export async function checkFree(at: string): Promise<void> {
	if (at.startsWith(UNIX)) return
	const server = createServer()
	const { host, port } = toOptions(at)
	if (port === 0) throw new UserError(`${at}: several workers need a port that is said`, EXIT.notStarted)
	try {
		await once(server.listen({ host, port }), 'listening')
	} catch (error) {
		throw cannotListen(at, error)
	}
	await once(server.close(), 'close')
}

function cannotListen(at: string, error: unknown): UserError {
	return new UserError(`${at}: cannot listen there (${codeOf(error)})`, EXIT.notStarted)
}

function toOptions(at: string): FastifyListenOptions {
	if (at.startsWith(UNIX)) return { path: at.slice(UNIX.length) }
	const colon = at.lastIndexOf(':')
	return { host: at.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(at.slice(colon + 1)) }
}

/** What a process that was killed has left there; not where somebody answers. */
async function clearSocket(path: string): Promise<void> {
	if (!statSync(path, { throwIfNoEntry: false })?.isSocket()) return
	if (!(await answers(path))) rmSync(path, { force: true })
}

function answers(path: string): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(path)
		socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
		socket.on('connect', () => socket.destroy())
	})
}
