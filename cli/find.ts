/** `cairn find [PATH]`: files by what the catalogue knows of them, whichever nodes are there. */
import * as classTable from '../core/catalogue/classes.ts'
import * as files from '../core/catalogue/files.ts'
import { KIND } from '../core/catalogue/files.ts'
import * as nodeTable from '../core/catalogue/nodes.ts'
import { UserError } from '../core/errors.ts'
import { type FoundFile, find as search, type Wanted } from '../core/stats/find.ts'
import { jsonBytes, showBytes } from '../core/text.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { showTime, timeOf } from './moments.ts'
import { checkKnown } from './no-such.ts'
import { pattern } from './pattern.ts'
import { parseSize, showSize } from './sizes.ts'
import { fileNamed, type Ground } from './tree-file.ts'
import { TREE_PATH } from './tree-path.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	path: string
	since?: string
	larger?: string
	smaller?: string
	name?: string
	owed: boolean
	class?: string
	node?: string
	duplicates: boolean
	json: boolean
}

export const find: Verb<Options> = (deps) => ({
	command: 'find [path]',
	describe: 'files by what the catalogue knows of them',
	builder: (yargs) =>
		yargs
			.positional('path', { type: 'string', default: '.', describe: `what is below it: ${TREE_PATH}` })
			.option('since', { type: 'string', requiresArg: true, describe: 'changed after: 2026-11-27, 2026-11-27T14:00, or so long ago: 90m, 12h, 7d' })
			.option('larger', { type: 'string', requiresArg: true, describe: 'than so many bytes: 100, 10M, 2G' })
			.option('smaller', { type: 'string', requiresArg: true, describe: 'than so many bytes' })
			.option('name', { type: 'string', requiresArg: true, describe: "whose name fits, as in a shell: '*.jpg'" })
			.option('owed', { type: 'boolean', default: false, describe: 'that do not have the copies they should have' })
			.option('class', { type: 'string', requiresArg: true, describe: 'of this class' })
			.option('node', { type: 'string', requiresArg: true, describe: 'with a copy on this node, whatever it is worth' })
			.option('duplicates', { type: 'boolean', default: false, describe: 'whose content others have too, by hash; those of one content together' })
			.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

/** A line as soon as it is known: there may be a million. */
export async function run(options: Options, deps: Deps): Promise<void> {
	await withCatalogue(options, deps, async (driver, config) => {
		let isFirst = true
		for await (const found of search(driver, await toWanted(options, { driver, config, deps }))) {
			deps.print(options.json ? `${isFirst ? '[' : ','}${JSON.stringify(toJson(found))}` : toLine(found))
			isFirst = false
		}
		if (options.json) deps.print(isFirst ? '[]' : ']')
	})
}

async function toWanted(options: Options, ground: Ground): Promise<Wanted> {
	const below = await fileNamed(options.path, ground)
	const { driver } = ground
	if ((await files.find(driver, below.id))?.kind !== KIND.directory) throw new UserError(`${options.path} is no directory: cairn why says what is known of it`, EXIT.usage)
	if (options.class !== undefined) checkKnown('class', options.class, await classTable.list(driver))
	if (options.node !== undefined) checkKnown('node', options.node, await nodeTable.list(driver))
	return {
		below,
		since: options.since === undefined ? undefined : timeOf(options.since, '--since'),
		largerThan: options.larger === undefined ? undefined : parseSize(options.larger, '--larger'),
		smallerThan: options.smaller === undefined ? undefined : parseSize(options.smaller, '--smaller'),
		name: options.name === undefined ? undefined : pattern(options.name),
		owed: options.owed,
		class: options.class,
		node: options.node,
		duplicates: options.duplicates,
	}
}

function toJson({ row, path, hash }: FoundFile): object {
	return { id: row.id, ...jsonBytes('path', path), size: row.size, mtime: row.mtime, version: row.version, ...(hash ? { hash: hash.toString('hex') } : {}) }
}

function toLine({ row, path, hash }: FoundFile): string {
	return `${hash ? `${hash.toString('hex', 0, 6)}  ` : ''}${showSize(row.size).padStart(6)}  ${showTime(row.mtime).slice(0, 16)}  /${showBytes(path)}`
}
