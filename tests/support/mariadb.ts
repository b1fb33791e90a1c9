/**
 * A real MariaDB for the tests: a private server on a temporary data directory, a unix socket and a port of 127.0.0.1.
 * One per test process; it dies with that process, however that ends.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createConnection } from 'mysql2/promise'
import { freePort } from './free-port.ts'

export interface Mariadb {
	readonly socket: string
	readonly port: number
	readonly dataDir: string
	/** Through the unix socket, as root. The database need not exist for the URL to be made. */
	url(database: string): string
	/** The same through TCP, for tests that put a proxy in between. */
	tcpUrl(database: string, port?: number): string
	/** Creates the database empty, dropping what was there, and gives its URL. */
	freshDatabase(name: string): Promise<string>
	/** Runs SQL as root, outside any database. */
	query(sql: string): Promise<unknown>
	/** To pause the server with SIGSTOP, say. Undefined while it is down. */
	pid(): number | undefined
	/** Ends it in order; the data directory goes. */
	stop(): Promise<void>
	/** SIGKILL; the data directory stays for restart(). */
	kill(): Promise<void>
	/** Up again on the same directory, socket and port; ends it in order first if it runs. */
	restart(): Promise<void>
}

const SMALL = [
	'--innodb-buffer-pool-size=32M',
	'--innodb-log-file-size=16M',
	'--innodb-flush-log-at-trx-commit=2', // survives a SIGKILL of the server, which is all the tests do to it
	'--innodb-use-native-aio=OFF',
	'--key-buffer-size=1M',
	'--performance-schema=OFF',
	'--skip-name-resolve',
	'--max-connections=64',
	'--max-allowed-packet=64M',
]

let shared: Promise<Mariadb> | undefined

/** The server of this test process, started at the first call. */
export function startMariadb(): Promise<Mariadb> {
	shared ??= privateMariadb()
	return shared
}

/** A server of one's own, with further options of mariadbd. */
export async function privateMariadb(options: readonly string[] = []): Promise<Mariadb> {
	const folder = mkdtempSync(join(tmpdir(), 'cairn-mariadb-'))
	const socket = join(folder, 'mariadb.sock')
	const dataDir = join(folder, 'data')
	let server: ChildProcess | undefined

	const removeAll = () => {
		server?.kill('SIGKILL')
		rmSync(folder, { recursive: true, force: true })
	}
	process.on('exit', removeAll)

	await install(dataDir)
	let port = await freePort()
	const command = ['--no-defaults', '--user=root', `--datadir=${dataDir}`, `--socket=${socket}`, `--tmpdir=${folder}`]

	const start = async () => {
		const network = ['--bind-address=127.0.0.1', `--port=${port}`, `--pid-file=${join(folder, 'pid')}`]
		server = await startServer([...command, ...network, ...SMALL, ...options])
	}
	const end = async (signal: NodeJS.Signals) => {
		if (server && !hasEnded(server)) {
			server.ref()
			const exited = once(server, 'exit')
			server.kill(signal)
			await exited
		}
		server = undefined
	}
	const query = async (sql: string) => {
		const connection = await createConnection({ user: 'root', socketPath: socket, multipleStatements: true })
		try {
			return (await connection.query(sql))[0]
		} finally {
			await connection.end()
		}
	}
	const url = (database: string) => `mysql://root@localhost/${database}?socketPath=${encodeURIComponent(socket)}`

	// A port that is free now may be another server's when ours comes to take it: tests run side by side.
	await start().catch(async () => {
		port = await freePort()
		await start()
	})
	await query("CREATE USER IF NOT EXISTS root@'127.0.0.1'; GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION")
	return {
		socket,
		port,
		dataDir,
		url,
		tcpUrl: (database, through = port) => `mysql://root@127.0.0.1:${through}/${database}`,
		freshDatabase: async (name) => {
			await query(`DROP DATABASE IF EXISTS \`${name}\`; CREATE DATABASE \`${name}\``)
			return url(name)
		},
		query,
		pid: () => server?.pid,
		stop: async () => {
			await end('SIGTERM')
			process.off('exit', removeAll)
			removeAll()
		},
		kill: () => end('SIGKILL'),
		restart: async () => {
			await end('SIGTERM')
			await start()
		},
	}
}

function hasEnded(child: ChildProcess): boolean {
	return child.exitCode !== null || child.signalCode !== null
}

async function install(dataDir: string): Promise<void> {
	await promisify(execFile)('mariadb-install-db', [
		'--no-defaults',
		'--user=root',
		`--datadir=${dataDir}`,
		'--auth-root-authentication-method=normal',
		'--skip-test-db',
		'--innodb-log-file-size=16M',
		'--innodb-buffer-pool-size=32M',
		// Two that install at once would trip over each other's temporary tables.
		`--tmpdir=${join(dataDir, '..')}`,
	])
}

/** setpriv has the kernel end the server with us, even where no exit handler runs (SIGKILL of the test). */
async function startServer(options: readonly string[]): Promise<ChildProcess> {
	const server = spawn('setpriv', ['--pdeathsig', 'KILL', 'mariadbd', ...options], {
		stdio: ['ignore', 'ignore', 'pipe'],
	})
	await readiness(server)
	server.unref()
	return server
}

function readiness(server: ChildProcess): Promise<void> {
	const log = server.stderr
	if (!log) throw new Error('mariadbd without its error log')
	return new Promise((resolve, reject) => {
		let said = ''
		server.once('error', reject)
		server.once('exit', (code) => reject(new Error(`mariadbd ended with ${code}:\n${said.slice(-2000)}`)))
		log.on('data', (text: Buffer) => {
			said = (said + text).slice(-10_000)
			if (!said.includes('ready for connections')) return
			log.removeAllListeners('data').resume()
			// A pipe nobody waits for must not keep the test process alive.
			;(log as unknown as { unref?(): void }).unref?.()
			resolve()
		})
	})
}
