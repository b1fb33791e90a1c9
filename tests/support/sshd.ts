/** A real sshd of this machine on a port of its own, for those who connect to it. Needs root and openssh-server. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { PATIENCE_MS } from './until.ts'

const SSHD = '/usr/sbin/sshd'
const POLL_MS = 20

export interface Sshd {
	/** Of a proxy before it: what is cut there was connected here. */
	port: number
	/** Of the server itself. */
	directPort: number
	/** A key that is let in, and one that is not. */
	keyFile: string
	strangerKeyFile: string
	/** Names the host on its port with the key it has. */
	knownHostsFile: string
	/** Each connection is cut after this many more bytes to the client; 0: no more. */
	cutAfter(bytes: number): void
	/** Whoever comes from now on is sent away, or let in again. */
	refuse(isRefused: boolean): void
	/** Connections made so far. */
	connections(): number
	/** Another key from now on, for the host too. */
	changeHostKey(): Promise<void>
	stop(): Promise<void>
}

export async function startSshd(subsystem = 'internal-sftp', more: Record<string, string> = {}): Promise<Sshd> {
	const scratch = mkdtempSync(join(tmpdir(), 'cairn-sshd-'))
	const file = (name: string) => join(scratch, name)
	mkdirSync('/run/sshd', { recursive: true })
	for (const name of ['host', 'user', 'stranger']) makeKey(file(name))
	writeFileSync(file('authorized'), readFileSync(file('user.pub')))
	const inner = await freePort()
	let server = await serve(file, inner, { Subsystem: `sftp ${subsystem}`, ...more })
	const sockets = new Set<Socket>()
	let left = Number.POSITIVE_INFINITY
	let many = 0
	let isClosed = false

	const proxy = createServer((client) => {
		if (isClosed) return void client.on('error', () => undefined).destroy()
		many++
		const upstream = connect(inner, '127.0.0.1')
		for (const socket of [client, upstream]) {
			sockets.add(socket)
			socket.on('error', () => socket.destroy())
			socket.on('close', () => sockets.delete(socket))
		}
		client.on('close', () => upstream.destroy())
		upstream.on('close', () => client.destroy())
		client.pipe(upstream)
		upstream.on('data', (data) => {
			left -= data.length
			if (left > 0) return void (client.write(data) || pauseUntilDrained(client, upstream))
			left = Number.POSITIVE_INFINITY
			client.destroy()
		})
	}).listen(0, '127.0.0.1')
	await once(proxy, 'listening')
	const { port } = proxy.address() as { port: number }
	const names = [port, inner].map((each) => `[127.0.0.1]:${each}`).join()
	writeFileSync(file('known_hosts'), `${names} ${readFileSync(file('host.pub'), 'utf8')}`)

	return {
		port,
		directPort: inner,
		keyFile: file('user'),
		strangerKeyFile: file('stranger'),
		knownHostsFile: file('known_hosts'),
		cutAfter(bytes) {
			left = bytes === 0 ? Number.POSITIVE_INFINITY : bytes
		},
		refuse(isRefused) {
			isClosed = isRefused
		},
		connections: () => many,
		async changeHostKey() {
			await ended(server)
			rmSync(file('host'))
			makeKey(file('host'))
			server = await serve(file, inner, { Subsystem: `sftp ${subsystem}`, ...more })
		},
		async stop() {
			proxy.close()
			for (const socket of sockets) socket.destroy()
			await ended(server)
			rmSync(scratch, { recursive: true })
		},
	}
}

function pauseUntilDrained(client: Socket, upstream: Socket): void {
	upstream.pause()
	client.once('drain', () => upstream.resume())
}

function makeKey(path: string): void {
	execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
	chmodSync(path, 0o600)
}

async function serve(file: (name: string) => string, port: number, more: Record<string, string>): Promise<ChildProcess> {
	const settings = {
		ListenAddress: '127.0.0.1',
		Port: port,
		HostKey: file('host'),
		AuthorizedKeysFile: file('authorized'),
		PasswordAuthentication: 'no',
		PermitRootLogin: 'yes',
		StrictModes: 'no',
		UsePAM: 'no',
		PidFile: 'none',
		...more,
	}
	const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
	const child = spawn(SSHD, ['-D', '-e', '-f', '/dev/null', ...options], { stdio: 'ignore' })
	for (let waited = 0; waited < PATIENCE_MS && child.exitCode === null; waited += POLL_MS) {
		if (await answers(port)) return child
		await delay(POLL_MS)
	}
	child.kill('SIGKILL')
	throw new Error(`sshd did not start (exit code ${child.exitCode})`)
}

async function answers(port: number): Promise<boolean> {
	const socket = connect(port, '127.0.0.1')
	try {
		await once(socket, 'connect')
		return true
	} catch {
		return false
	} finally {
		socket.destroy()
	}
}

async function ended(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return
	child.kill('SIGTERM')
	await once(child, 'exit')
}
