/** `cairn dump [FILE]`: the whole catalogue in one file that any engine can load. */
import { closeSync, createWriteStream, existsSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { Writable } from 'node:stream'
import type { Driver } from '../core/catalogue/driver.ts'
import type { Header } from '../core/catalogue/dump/lines.ts'
import { type Progress, sum, writeDump } from '../core/catalogue/dump/write.ts'
import { CatalogueError, codeOf, UserError } from '../core/errors.ts'
import { syncPath } from '../core/sync-path.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { grouped, many } from './many.ts'
import { openPart, type Part } from './part.ts'
import { plainTarget } from './plain-target.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	file: string
	quiet: boolean
}

const STANDARD_OUTPUT = '-'

export const dump: Verb<Options> = (deps) => ({
	command: 'dump [file]',
	describe: 'write the whole catalogue into one file, while it is in use',
	builder: (yargs) =>
		yargs
			.positional('file', { type: 'string', default: STANDARD_OUTPUT, describe: 'where to; - is standard output' })
			.option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'say only what went wrong' }),
	handler: (options) => run(options, deps),
})

export async function run({ file, quiet, ...options }: Options, deps: Deps): Promise<void> {
	if (file === STANDARD_OUTPUT && process.stdout.isTTY) throw new UserError('dump: a file must be named, or standard output led somewhere', EXIT.usage)
	const path = file === STANDARD_OUTPUT ? file : plainTarget(resolve(deps.directory, file))
	await withCatalogue(options, deps, async (driver) => {
		if (file === STANDARD_OUTPUT) return await printDump(driver)
		const header = await dumpInto(driver, path, quiet ? {} : rowsShown('dump'))
		if (!quiet) deps.print(`${path}: ${described(header)}`)
	})
}

/** Whole or not at all: another name until it is on the disk, and one that nobody else has: the dump before may still be under way. */
export async function dumpInto(driver: Driver, path: string, progress: Progress = {}): Promise<Header> {
	if (!existsSync(dirname(path))) throw new UserError(`${dirname(path)}: no such directory`, EXIT.refused)
	const stop = stopOnSignal()
	let part: Part | undefined
	try {
		part = openPart(Buffer.from(dirname(path)), { before: Buffer.from(`${basename(path)}.`), after: '.part' })
		const header = await writeDump(driver, createWriteStream(part.path, { flags: 'r+' }), { progress, signal: stop.signal })
		syncPath(part.path)
		renameSync(part.path, path)
		syncPath(dirname(path))
		return header
	} catch (error) {
		if (part) rmSync(part.path, { force: true })
		if (stop.signal.aborted) throw new UserError(`${path}: the dump was stopped, and nothing is left of it`, EXIT.left)
		throw isOfFile(error) ? new UserError(`${path} cannot be written (${codeOf(error)}), and nothing is left of it`, EXIT.left) : error
	} finally {
		if (part) closeSync(part.fd)
		stop.end()
	}
}

function isOfFile(error: unknown): boolean {
	return (error as NodeJS.ErrnoException).syscall !== undefined && !(error instanceof CatalogueError)
}

/** Should whoever reads it go before its end, it is no dump: the code says so. */
async function printDump(driver: Driver): Promise<void> {
	process.exitCode = EXIT.unexpected
	await writeDump(driver, standardOutput())
	process.exitCode = EXIT.ok
}

/** Which stays open when the dump ends. */
function standardOutput(): Writable {
	return new Writable({ write: (chunk, _encoding, done) => void process.stdout.write(chunk, done) })
}

export function described({ rows, date }: Header): string {
	return `${grouped(rows.file)} files and directories, ${many(rows.node, 'node')}, ${many(sum(rows), 'row')}, of ${date}`
}

const SHOWN_EVERY_MS = 500

/** A line on a terminal that counts; nothing elsewhere. */
export function rowsShown(title: string): Progress {
	if (!process.stderr.isTTY) return {}
	let all = 0
	let done = 0
	let shownMs = 0
	return {
		expected(rows) {
			all = rows
		},
		done(rows) {
			done += rows
			if (done < all && performance.now() - shownMs < SHOWN_EVERY_MS) return
			shownMs = performance.now()
			process.stderr.write(`\r${title}: ${done} of ${all} rows${done >= all ? '\n' : ''}`)
		},
	}
}
