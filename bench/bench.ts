/** What a run has to hand: sizes, programs, a folder on the disk under test, and what must be undone at its end. */
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { type Mariadb, privateMariadb } from '../tests/support/mariadb.ts'
import type { Options } from './options.ts'
import { ownDisk } from './own-disk.ts'
import { run, stopDaemons } from './processes.ts'
import { compilePrograms } from './programs.ts'

/** Enough for a million files; a commit survives the server but is flushed once a second, which is what SQLite's WAL with synchronous=NORMAL promises too. */
const MARIADB_OPTIONS = ['--innodb-buffer-pool-size=512M', '--innodb-log-file-size=256M', '--innodb-flush-log-at-trx-commit=2']

export interface Bench {
	readonly options: Options
	/** Where the disk under test is. */
	readonly directory: string
	program(name: string): string
	/** An empty directory on the disk under test. */
	folder(name: string): Promise<string>
	/** A private server, started at the first call. */
	mariadb(): Promise<Mariadb>
	/** Undone at the end in the opposite order, whatever happens; the function returned does it now. */
	atEnd(undo: () => Promise<void>): () => Promise<void>
	/** Aborted when the run is interrupted: nothing further is measured, and nothing published. */
	readonly signal: AbortSignal
	/** One line to whoever watches. */
	say(line: string): void
	/** Undoes everything, once. */
	end(): Promise<void>
}

function complain(error: Error): void {
	console.error(`bench: cleaning up: ${error.message}`)
}

export async function openBench(options: Options, signal: AbortSignal): Promise<Bench> {
	const disk = await ownDisk(options.directory)
	const directory = disk?.directory ?? options.directory
	const top = await mkdtemp(join(directory, 'cairn-bench-'))
	process.env.TMPDIR = top // the private MariaDB shall stand on the disk under test as well
	const undone: (() => Promise<void>)[] = []
	let mariadb: Promise<Mariadb> | undefined
	let ending: Promise<void> | undefined

	const atEnd = (undo: () => Promise<void>) => {
		undone.push(undo)
		return async () => {
			const at = undone.indexOf(undo)
			if (at < 0) return
			undone.splice(at, 1)
			await undo()
		}
	}
	const folder = async (name: string) => {
		const path = join(top, name)
		await mkdir(path)
		return path
	}
	const startMariadb = async () => {
		const server = await privateMariadb(MARIADB_OPTIONS)
		atEnd(() => server.stop())
		return server
	}
	const end = async () => {
		for (let undo = undone.pop(); undo; undo = undone.pop()) await undo().catch(complain)
		await stopDaemons().catch(complain)
		// Never through a mount that would not go.
		await run(['rm', '-rf', '--one-file-system', top]).catch(complain)
		await disk?.end().catch(complain)
	}

	const program = await compilePrograms(await folder('programs')).catch(async (error) => {
		// Nobody has it yet who could.
		await end()
		throw error
	})
	return {
		options,
		directory,
		signal,
		program,
		folder,
		mariadb: () => (mariadb ??= startMariadb()),
		atEnd,
		say: (line) => console.error(line),
		end: () => (ending ??= end()),
	}
}
