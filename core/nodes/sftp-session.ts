/** One connection to a host: made when it is needed, made again when it was lost, refused to a host with another key. */
import { readFileSync, statSync } from 'node:fs'
import { connect as openSocket, type Socket } from 'node:net'
import SftpClient from 'ssh2-sftp-client'
import type { SFTPWrapper } from 'ssh2'
import type { SftpConfig } from '../config/types.ts'
import { Errno, fail } from '../errors.ts'
import { keepKeyObject } from './sftp-key.ts'
import { keyType, knownKeys } from './sftp-known-hosts.ts'
import { takeStraight } from './sftp-straight.ts'

export interface Session {
	/** Fails with ENOTCONN and a sentence that names the host. */
	get(): Promise<SFTPWrapper>
	/** What came from this connection holds no more: the next `get` makes another. */
	lost(sftp: SFTPWrapper): void
	end(): Promise<void>
}

const READY_MS = 20_000
const KEEPALIVE_MS = 10_000
const KEEPALIVES_MISSED_MAX = 3
/** A host that cannot be reached is not asked again for every file. */
const REFUSED_MS = 10_000
const PORT = 22
const OTHERS_MAY_READ = 0o077
/** Done by the processor; the others cost several times as much here. */
const CIPHERS = [
	'aes128-gcm@openssh.com',
	'aes256-gcm@openssh.com',
	'aes128-ctr',
	'aes256-ctr',
	'chacha20-poly1305@openssh.com',
] as const

interface Connection {
	socket: Socket
	sftp: SFTPWrapper
}

export function openSession(node: string, config: SftpConfig): Session {
	const where = `${config.user}@${config.host}${config.port ? `:${config.port}` : ''}`
	let current: Promise<Connection> | undefined
	let refused: { error: Errno; untilMs: number } | undefined

	async function connect(): Promise<Connection> {
		let denial = ''
		let socket: Socket | undefined
		const silent = () => undefined
		const client = new SftpClient(node, { error: silent, end: silent, close: silent })
		client.on('handshake', () => keepKeyObject(client))
		try {
			const { keys, revoked, privateKey } = readFiles(config)
			// What is asked next must not wait for the other side to confirm what was asked last: that takes it 40 ms.
			socket = openSocket({ host: config.host, port: config.port ?? PORT, noDelay: true })
			const connecting = client.connect({
				sock: socket,
				username: config.user,
				privateKey,
				algorithms: { cipher: [...CIPHERS], serverHostKey: algorithmsOf(keys) as never },
				hostVerifier: (key: Buffer) => {
					const isKnown = keys.some((each) => each.equals(key)) && !revoked.some((each) => each.equals(key))
					if (!isKnown) denial = `host ${config.host} has another key than ${config.knownHostsFile} says`
					return isKnown
				},
				readyTimeout: READY_MS,
				keepaliveInterval: KEEPALIVE_MS,
				keepaliveCountMax: KEEPALIVES_MISSED_MAX,
			})
			// The library waits for a handshake so long, and for an answer to SFTP for ever.
			const sftp = await inTime(connecting)
			takeStraight(sftp)
			const connection = { socket, sftp }
			client.on('close', () => forget(connection))
			return connection
		} catch (error) {
			socket?.destroy()
			const why = denial || explain(error as Error, config)
			refused = { error: new Errno('ENOTCONN', `${where}: ${why}`), untilMs: performance.now() + REFUSED_MS }
			current = undefined
			throw refused.error
		}
	}

	let established: Connection | undefined

	function forget(connection: Connection): void {
		if (established !== connection) return
		established = undefined
		current = undefined
	}

	return {
		async get() {
			if (refused && performance.now() < refused.untilMs) throw refused.error
			current ??= connect()
			established = await current
			return established.sftp
		},
		lost(sftp) {
			if (established?.sftp !== sftp) return
			const { socket } = established
			forget(established)
			socket.destroy()
		},
		async end() {
			const connection = established
			established = undefined
			current = undefined
			// Asked to end it, a server that hangs would be waited for.
			connection?.socket.destroy()
		},
	}
}

async function inTime<T>(connecting: Promise<T>): Promise<T> {
	const { promise, reject } = Promise.withResolvers<never>()
	const late = setTimeout(() => reject(new Error(`no answer within ${READY_MS / 1_000} s`)), READY_MS)
	try {
		return await Promise.race([connecting, promise])
	} finally {
		clearTimeout(late)
	}
}

function readFiles({ keyFile, knownHostsFile, host, port = PORT }: SftpConfig): {
	keys: Buffer[]
	revoked: Buffer[]
	privateKey: Buffer
} {
	if ((statSync(keyFile).mode & OTHERS_MAY_READ) !== 0) fail('EACCES', `others than its owner may read ${keyFile}: chmod 600 it`)
	const known = knownKeys(readFileSync(knownHostsFile, 'utf8'), host, port)
	if (known.keys.length === 0) fail('EACCES', `${knownHostsFile} has no key of host ${host}`)
	return { ...known, privateKey: readFileSync(keyFile) }
}

/** A host with several keys is to show one that is known. */
function algorithmsOf(keys: readonly Buffer[]): string[] {
	const types = keys.map(keyType)
	return [...new Set(types.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type])))]
}

function explain({ message }: Error, { keyFile, host, knownHostsFile }: SftpConfig): string {
	if (/authentication methods failed/i.test(message)) return `the key ${keyFile} is refused`
	if (/no matching host key/i.test(message)) return `host ${host} has another key than ${knownHostsFile} says`
	return message
}
