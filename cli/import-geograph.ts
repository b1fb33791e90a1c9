/** `cairn import geograph --from mysql://...`: files, copies, classes, sites and what they hold, from the database of Geograph GridFS. */
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as sites from '../core/catalogue/sites.ts'
import type { SiteId } from '../core/catalogue/sites.ts'
import { codeOf, UserError } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { type Account, importAll } from '../core/off-site/geograph/import.ts'
import { type Reason, REASONS } from '../core/off-site/geograph/judge.ts'
import { type OldDatabase, openOld } from '../core/off-site/geograph/old-rows.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { many } from './many.ts'
import { addSite } from './site-add.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	from: string
	root: string
	node: string[]
	uid: number
	gid: number
	report?: string
	json: boolean
}

const TOLD_MS = 10_000
const ID_MAX = 0xffff_fffe

export const importGeograph: Verb<Options> = (deps) => ({
	command: 'geograph',
	describe: 'from the database of Geograph GridFS; killed, it goes on where it was',
	builder: (yargs) =>
		yargs
			.option('from', { type: 'string', demandOption: true, requiresArg: true, describe: 'mysql://user@host/database; a password in $CAIRN_IMPORT_PASSWORD' })
			.option('root', { type: 'string', default: '', requiresArg: true, describe: 'what its paths begin with: /mnt/combined' })
			.option('node', { type: 'string', array: true, nargs: 1, default: [], describe: 'OLD=NEW where a node has another name here; may be said again' })
			.option('uid', { type: 'number', default: 0, requiresArg: true, describe: 'whose the files are: the old system did not know' })
			.option('gid', { type: 'number', default: 0, requiresArg: true })
			.option('report', { type: 'string', requiresArg: true, describe: 'a line for each file that is not taken goes to this file' })
			.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	for (const name of ['uid', 'gid'] as const) checkId(name, options[name])
	await withFilesystem(options, deps, async (fs) => {
		const report = options.report === undefined ? undefined : openReport(resolve(deps.directory, options.report))
		const old = await openOld(options.from)
		const stop = stopOnSignal()
		try {
			const total = await old.count()
			let toldAtMs = performance.now()
			const account = await importAll({
				fs,
				old,
				known: { root: Buffer.from(options.root), nodes: nodesOf(fs, options.node), sites: await takeSites(fs, old) },
				owner: { uid: options.uid, gid: options.gid },
				signal: stop.signal,
				leave({ file_id, filename }, reason) {
					report?.write({ file: file_id, path: filename.toString(), why: REASONS[reason] })
				},
				progress({ files, left }) {
					if (options.json || performance.now() - toldAtMs < TOLD_MS) return
					toldAtMs = performance.now()
					deps.print(`${files + sum(left)} of ${total}`)
				},
			})
			tell(account, options, deps)
			if (stop.signal.aborted) process.exitCode = EXIT.left
		} finally {
			stop.end()
			report?.close()
			await old.close()
		}
	})
}

function checkId(name: 'uid' | 'gid', id: number): void {
	if (!(Number.isInteger(id) && id >= 0 && id <= ID_MAX)) throw new UserError(`--${name}: a whole number from 0 to ${ID_MAX}`, EXIT.usage)
}

/** Of the old system, by the names they had there. */
function nodesOf({ nodes }: Filesystem, renamed: readonly string[]): Map<string, number> {
	const known = new Map([...nodes.values()].map((node) => [node.name, node.id]))
	for (const pair of renamed) {
		const [was, is] = pair.split('=')
		const id = known.get(is ?? '')
		if (id === undefined) throw new UserError(`--node: found '${pair}', allowed: OLD=NEW, NEW being a node here: ${[...known.keys()].join(', ') || 'none'}`, EXIT.usage)
		known.set(was, id)
	}
	return known
}

/** Before anything is taken over, so that nothing is without its line. */
function openReport(path: string): { write(line: object): void; close(): void } {
	const refused = (error: unknown, code: number) => new UserError(`--report: ${path} cannot be written to (${codeOf(error)})`, code)
	let file: number
	try {
		file = openSync(path, 'a')
	} catch (error) {
		throw refused(error, EXIT.usage)
	}
	return {
		write(line) {
			try {
				writeFileSync(file, `${JSON.stringify(line)}\n`)
			} catch (error) {
				throw refused(error, EXIT.left)
			}
		},
		close: () => closeSync(file),
	}
}

/** Agents of the old system as sites that speak its protocol; those that are here already stay as they are. */
async function takeSites({ catalogue, capabilities, config }: Filesystem, old: OldDatabase): Promise<Map<string, SiteId>> {
	const known = new Map<string, SiteId>()
	for (const { identity, secret, active } of await old.remotes()) {
		const name = siteName(identity)
		const there = await sites.find(catalogue, name, capabilities)
		if (!there) {
			await addSite(catalogue, { name, key: secret, state: active ? 'active' : 'paused', settings: { legacy: true, identity }, keyFile: config.backup.keyFile })
		}
		known.set(identity, ((await sites.find(catalogue, name, capabilities)) as sites.SiteRow).id)
	}
	return known
}

function siteName(identity: string): string {
	const name = identity.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 63)
	if (name === '') throw new UserError(`the old agent '${identity}' has a name without any letter or digit`, EXIT.refused)
	return name
}

function tell({ files, directories, copies, offSite, left, strange }: Account, { json }: Options, deps: Deps): void {
	const plain = { files, directories, copies, offSite, left, strange: { nodes: Object.fromEntries(strange.nodes), sites: Object.fromEntries(strange.sites), classes: Object.fromEntries(strange.classes) } }
	if (json) return deps.print(JSON.stringify(plain, null, 2))
	deps.print(`${many(files, 'file')} in ${many(directories, 'new directory', 'new directories')}, ${many(copies, 'copy', 'copies')}, ${many(offSite, 'copy', 'copies')} at sites`)
	for (const [reason, many] of Object.entries(left)) deps.print(`${many} not taken: ${REASONS[reason as Reason]}`)
	for (const [what, names] of Object.entries(plain.strange)) {
		for (const [name, many] of Object.entries(names)) deps.print(`${many} files speak of ${name}, which is none of the ${what} here`)
	}
}

function sum(counts: Record<string, number>): number {
	return Object.values(counts).reduce((total, many) => total + many, 0)
}
