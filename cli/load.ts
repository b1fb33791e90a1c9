/** `cairn load FILE`: an empty catalogue becomes what a dump says. */
import { accessSync, constants, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Claim, Driver } from '../core/catalogue/driver.ts'
import { loadDump } from '../core/catalogue/dump/load.ts'
import { verifyDump } from '../core/catalogue/dump/read.ts'
import { checkSchema, isMade, migrate } from '../core/catalogue/migrate.ts'
import { openCatalogue } from '../core/catalogue/open.ts'
import type { Config } from '../core/config/types.ts'
import { codeOf, UserError } from '../core/errors.ts'
import { loadFor, shownAddress } from './catalogue.ts'
import { described, dumpInto, rowsShown } from './dump.ts'
import { EXIT } from './exit-codes.ts'
import { refuseInUse } from './in-use.ts'
import { fillLockPath, lockHolder, takeLock } from './run-lock.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	file: string
	replace: boolean
	quiet: boolean
}

export const load: Verb<Options> = (deps) => ({
	command: 'load <file>',
	describe: 'fill an empty catalogue from a dump',
	builder: (yargs) =>
		yargs
			.positional('file', { type: 'string', demandOption: true, describe: 'what `cairn dump` wrote' })
			.option('replace', { type: 'boolean', default: false, describe: 'in place of what the catalogue has, of which a dump is made first' })
			.option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'say only what went wrong' }),
	handler: (options) => run(options, deps),
})

export async function run({ file, replace, quiet, ...options }: Options, deps: Deps): Promise<void> {
	const path = resolve(deps.directory, file)
	if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new UserError(`${path} is a directory: name a file`, EXIT.usage)
	checkReadable(path)
	await verifyDump(path)
	const config = await loadFor(options, deps)
	const lock = await lockFilling(config, deps)
	try {
		await loadInto(config, path, { replace, quiet, deps })
	} finally {
		await lock.release()
	}
}

function checkReadable(path: string): void {
	try {
		accessSync(path, constants.R_OK)
	} catch (error) {
		throw new UserError(`${path} cannot be read (${codeOf(error)})`, EXIT.usage)
	}
}

/** Whoever fills it empties it first: of two at a time one would say that it is whole when the other has just done that. */
export async function lockFilling(config: Config, { environment }: Deps): Promise<Claim> {
	const path = fillLockPath(config.catalogue, environment)
	const lock = takeLock(path)
	if (!lock) throw new UserError(`the catalogue is being filled by another load or reindex, process ${lockHolder(path)}: wait for its end`, EXIT.busy)
	const driver = await openCatalogue(config, { create: true })
	const claim = await driver.claim()
	const release = async () => {
		await claim?.release()
		await driver.close()
		lock.release()
	}
	if (claim) return { release }
	await release()
	throw new UserError('the catalogue is being filled by another load or reindex, on another machine: wait for its end', EXIT.busy)
}

async function loadInto(config: Config, path: string, { replace, quiet, deps }: { replace: boolean; quiet: boolean; deps: Deps }): Promise<void> {
	const driver = await openCatalogue(config, { create: true })
	try {
		await makeRoom(driver, { replace, directory: dirname(path), deps })
		const header = await loadDump(driver, path, quiet ? {} : rowsShown('load'))
		if (quiet) return
		deps.print(`catalogue ${shownAddress(config.catalogue)}: ${described(header)}`)
		deps.print('What happened after that moment it does not know: before anything is mounted, run `cairn walk` unless nothing did.')
	} finally {
		await driver.close()
	}
}

/** The catalogue may be filled: nobody is at work on it, and what it has is nothing, or kept. `after`: what else a refusal says. */
export async function makeRoom(driver: Driver, { replace, directory, deps, after = '' }: { replace: boolean; directory: string; deps: Deps; after?: string }): Promise<void> {
	if (!(await isMade(driver))) return
	await migrate(driver)
	await checkSchema(driver)
	await refuseInUse(driver)
	if (await isEmpty(driver)) return
	if (!replace) throw new UserError('the catalogue has files or nodes; --replace keeps a dump of them and puts this in their place' + after, EXIT.refused)
	const kept = join(directory, `replaced-${new Date().toISOString().replaceAll(/[-:]|\.\d+Z/g, '')}.jsonl.gz`)
	await dumpInto(driver, kept)
	deps.warn(`what the catalogue had is kept as ${kept}`)
}

/** As `cairn init` leaves it, or emptier. */
async function isEmpty(driver: Driver): Promise<boolean> {
	const rows = await driver.all('SELECT id FROM file WHERE id > 1 LIMIT 1')
	const nodes = await driver.all('SELECT id FROM node LIMIT 1')
	return rows.length === 0 && nodes.length === 0
}
