/** `cairn trash restore PATH|NUMBER...`: back to where it was, or elsewhere. */
import { KIND } from '../core/catalogue/files.ts'
import type { Reader } from '../core/catalogue/driver.ts'
import { codeOf, UserError } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { pathsOf } from '../core/filesystem/paths.ts'
import { below, findKept, findRemoved, type Kept } from '../core/filesystem/trash-contents.ts'
import { isInTrash, originalPath } from '../core/filesystem/trash-paths.ts'
import { restore } from '../core/filesystem/trash-restore.ts'
import type { Path } from '../core/ids.ts'
import { run as drive } from '../core/op.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { treePath } from './tree-path.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	what: string[]
	to?: string
	as?: string
}

export const trashRestore: Verb<Options> = (deps) => ({
	command: 'restore <what..>',
	describe: 'put removed files and directories back where they were',
	builder: (yargs) =>
		yargs
			.positional('what', { type: 'string', array: true, demandOption: true, describe: 'the path it had (the latest of that name), its path in the trash, or its number' })
			.option('to', { type: 'string', requiresArg: true, describe: 'into this directory of the tree instead' })
			.option('as', { type: 'string', requiresArg: true, describe: 'to this path instead; of one thing only' })
			.conflicts('to', 'as'),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	if (options.as !== undefined && options.what.length > 1) throw new UserError('trash restore: --as is for one thing only', EXIT.usage)
	await withFilesystem(options, deps, async (fs) => {
		const counts = { restored: 0, left: 0 }
		for (const word of options.what) await restoreOne(fs, word, options, { deps, counts })
		deps.print(`${counts.restored} restored${counts.left > 0 ? `, ${counts.left} left` : ''}`)
		if (counts.left > 0) process.exitCode = EXIT.left
	})
}

interface Account {
	deps: Deps
	counts: { restored: number; left: number }
}

async function restoreOne(fs: Filesystem, word: string, options: Options, account: Account): Promise<void> {
	const found = await find(fs, word, account.deps)
	if (found.length === 0) throw new UserError(`${word}: nothing of that name is in the trash; see cairn trash list`, EXIT.refused)
	for (const kept of found) {
		const was = originalPath(kept.path) as Path
		const base = await target(was, options, { fs, deps: account.deps })
		for await (const file of filesOf(fs.catalogue, kept)) {
			const rest = (originalPath(file.path) as Path).subarray(was.length)
			await putBack(fs, file, Buffer.concat([base, rest]), account)
		}
	}
}

/** More than one: a directory that was there, removed and made again on the same day. */
async function find(fs: Filesystem, word: string, deps: Deps): Promise<Kept[]> {
	const path = /^\d+$/.test(word) ? ((await drive(pathsOf(fs, Number(word), 1)))[0]?.path ?? Buffer.alloc(0)) : await treePath(word, fs.config, deps)
	if (!isInTrash(path)) return /^\d+$/.test(word) ? [] : await findRemoved(fs.catalogue, path)
	const kept = await findKept(fs.catalogue, path)
	return kept && originalPath(kept.path) ? [kept] : []
}

async function target(was: Path, { to, as }: Options, { fs, deps }: { fs: Filesystem; deps: Deps }): Promise<Path> {
	if (as !== undefined) return await treePath(as, fs.config, deps)
	if (to === undefined) return was
	const name = was.subarray(was.lastIndexOf('/') + 1)
	const directory = await treePath(to, fs.config, deps)
	return directory.length === 0 ? Buffer.from(name) : Buffer.concat([directory, Buffer.from('/'), name])
}

async function* filesOf(reader: Reader, kept: Kept): AsyncGenerator<Kept> {
	if (kept.row.kind !== KIND.directory) return yield kept
	for await (const each of below(reader, kept)) if (each.row.kind !== KIND.directory) yield each
}

async function putBack(fs: Filesystem, kept: Kept, to: Path, { deps, counts }: Account): Promise<void> {
	try {
		await drive(restore(fs, kept, to))
		counts.restored++
	} catch (error) {
		const code = codeOf(error)
		if (code === 'EIO') throw error
		counts.left++
		deps.warn(`${to}: ${REASONS[code] ?? (error as Error).message}`)
	}
}

const REASONS: Record<string, string> = {
	EEXIST: 'something has that name now; --as gives it another',
	ENOTDIR: 'a directory above it is a file now; --to or --as leads elsewhere',
	ENOENT: 'it is not in the trash any more',
}
