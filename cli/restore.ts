/** `cairn restore PATH --from SITE`: asks a site to send files back. Its agent does so when it calls. */
import { codeOf, UserError } from '../core/errors.ts'
import * as orders from '../core/catalogue/backup-orders.ts'
import type { OrderRow } from '../core/catalogue/backup-orders.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { makeWithParents } from '../core/make-directory.ts'
import { jobOf, place } from '../core/off-site/order.ts'
import { dropForgotten } from '../core/off-site/upload.ts'
import { type Wish, wantedBack } from '../core/off-site/wanted-back.ts'
import { run as drive } from '../core/op.ts'
import { resolve } from 'node:path'
import { showBytes } from '../core/text.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { many } from './many.ts'
import { timeOf } from './moments.ts'
import { checkKnown } from './no-such.ts'
import { takeOut } from './restore-out.ts'
import { failedJson, type Outcome, waitForOrders } from './restore-wait.ts'
import { findSite } from './site-set.ts'
import { showSize } from './sizes.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { TREE_PATH, treePath } from './tree-path.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	path?: string
	from: string
	class?: string
	at?: string
	to?: string
	overwrite: boolean
	deleted: boolean
	wait: boolean
	cancel: boolean
	json: boolean
}

export const restore: Verb<Options> = (deps) => ({
	command: 'restore [path]',
	describe: 'ask a site to send files back; its agent does so when it calls',
	builder: (yargs) =>
		yargs
			.positional('path', { type: 'string', describe: `a file, or a directory with all that is in it: ${TREE_PATH}; / for everything` })
			.option('from', { type: 'string', demandOption: true, requiresArg: true, describe: 'the site' })
			.option('class', { type: 'string', requiresArg: true, describe: 'only files of this class' })
			.option('at', { type: 'string', requiresArg: true, describe: "as the site had them then: 2026-11-01, '2026-11-01 12:00', or 3d for three days ago" })
			.option('to', { type: 'string', requiresArg: true, describe: 'to this directory of this machine, instead of into the tree' })
			.option('overwrite', { type: 'boolean', default: false, describe: 'also where the path leads to something else now' })
			.option('deleted', { type: 'boolean', default: false, describe: 'also what was deleted from below the path' })
			.option('wait', { type: 'boolean', default: true, describe: 'until all of it is here; --no-wait returns at once' })
			.option('cancel', { type: 'boolean', default: false, describe: 'take back everything that this site was asked for and has not sent' })
			.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const { path, from, class: className, to, overwrite, deleted, wait, json } = options
	if (!options.cancel && path === undefined && className === undefined) throw new UserError('restore: what? A path, or --class', EXIT.usage)
	if (to !== undefined && overwrite) throw new UserError('--to and --overwrite: which?', EXIT.usage)
	if (!wait && to !== undefined) throw new UserError('--to: this command takes the files there itself, so it has to wait', EXIT.usage)
	const at = options.at === undefined ? undefined : timeOf(options.at, '--at')
	await withFilesystem(options, deps, async (fs) => {
		const site = await findSite(fs.catalogue, from)
		if (options.cancel) return await cancel(fs, site.id, deps)
		if (className !== undefined) checkKnown('class', className, fs.classes)
		const directory = to === undefined ? undefined : madeDirectory(resolve(deps.directory, to))
		const tree = await treePath(path ?? '/', fs.config, deps)
		const wish = { site: site.id, path: tree, className, at, deleted }
		const job = jobOf('restore', site.id, tree.toString('latin1'), className, at, directory)
		const placed = await place(fs, wantedBack(fs, wish), { site: site.id, job, elsewhere: directory !== undefined, overwrite })
		if (placed.ordered + placed.there + placed.taken.length === 0) throw await nothingOf(fs, wish, from)
		for (const taken of placed.taken) deps.warn(`${showBytes(taken)}: something else has this path now; --overwrite replaces it, --to leads elsewhere`)
		if (!json) deps.print(`asked ${from} for ${many(placed.ordered, 'file')}, ${showSize(placed.bytes)}B${placed.there > 0 ? `; ${placed.there} ${placed.there === 1 ? 'is' : 'are'} there` : ''}`)
		const stop = stopOnSignal()
		try {
			const each = directory === undefined ? undefined : (order: OrderRow) => takeOut(fs, order, directory)
			const outcome = wait && placed.ordered > 0 ? await waitForOrders(fs, job, { deps, quiet: json, signal: stop.signal, each }) : NONE
			tell(outcome, { placed, json, job }, deps)
		} finally {
			stop.end()
		}
	})
}

async function cancel(fs: Filesystem, site: number, deps: Deps): Promise<void> {
	const taken = await orders.removeOpen(fs.catalogue, site)
	await drive(dropForgotten(fs))
	deps.print(`${many(taken, 'order')} taken back`)
}

async function nothingOf(fs: Filesystem, wish: Wish, from: string): Promise<UserError> {
	let gone = 0
	if (!wish.deleted) for await (const some of wantedBack(fs, { ...wish, deleted: true })) gone += some.length
	if (gone > 0) return new UserError(`${from} has nothing of that but ${many(gone, 'file')} deleted from the tree: --deleted`, EXIT.refused)
	return new UserError(`${from} has nothing of that${wish.at === undefined ? '' : ' from that time'}`, EXIT.refused)
}

/** Before anything is asked of the site, which may send for hours. */
function madeDirectory(path: string): string {
	try {
		makeWithParents(path)
		return path
	} catch (error) {
		throw new UserError(`--to: ${path} cannot be made (${codeOf(error)})`, EXIT.refused)
	}
}

const NONE: Outcome = { done: 0, bytes: 0, failed: [], left: 0, seconds: 0 }

function tell(outcome: Outcome, { placed, json, job }: { placed: Awaited<ReturnType<typeof place>>; json: boolean; job: string }, deps: Deps): void {
	const { done, bytes, failed, left } = outcome
	const taken = placed.taken.map((path) => path.toString())
	if (json) deps.print(JSON.stringify({ job, ordered: placed.ordered, there: placed.there, taken, done, bytes, failed: failed.map(failedJson), left }, null, 2))
	else if (done + failed.length > 0) deps.print(`${many(done, 'file')} back, ${showSize(bytes)}B${failed.length > 0 ? `; ${failed.length} could not be` : ''}`)
	for (const { path, detail } of failed) deps.warn(`${showBytes(path)}: ${detail}`)
	if (left > 0) deps.warn(`${many(left, 'file')} still to come; the same command goes on waiting`)
	if (failed.length + left + taken.length > 0) process.exitCode = EXIT.left
}
