/** `cairn du [PATH]`: what is below each directory, from the sums the catalogue keeps. */
import type { Driver } from '../core/catalogue/driver.ts'
import * as files from '../core/catalogue/files.ts'
import { KIND } from '../core/catalogue/files.ts'
import type { Below } from '../core/catalogue/stat-directories.ts'
import { UserError } from '../core/errors.ts'
import type { FileId, Path } from '../core/ids.ts'
import { run as drive } from '../core/op.ts'
import { changesBehind } from '../core/stats/behind.ts'
import { childSizes, sizeBelow } from '../core/stats/tree-sizes.ts'
import { jsonBytes, showBytes } from '../core/text.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { many } from './many.ts'
import { showSize } from './sizes.ts'
import { fileNamed } from './tree-file.ts'
import { TREE_PATH } from './tree-path.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	path: string
	depth: number
	json: boolean
}

const PAGE_ROWS = 1_000
const BEHIND_MAX = 1_000_000

export const du: Verb<Options> = (deps) => ({
	command: 'du [path]',
	describe: 'bytes and files below each directory, from the catalogue',
	builder: (yargs) =>
		yargs
			.positional('path', { type: 'string', default: '.', describe: TREE_PATH })
			.option('depth', { type: 'number', default: 1, requiresArg: true, describe: 'directories so many levels below it' })
			.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	if (!Number.isInteger(options.depth) || options.depth < 0) throw new UserError('--depth: a whole number from 0', EXIT.usage)
	await withCatalogue(options, deps, async (driver, config) => {
		const { id, path } = await fileNamed(options.path, { driver, config, deps })
		const behind = await drive(changesBehind(driver, BEHIND_MAX))
		if (behind > 0) deps.warn(`${many(behind, 'change is', 'changes are')} not counted yet: a replicator does that, or cairn stats --rebuild now`)
		const print = options.json ? lineOfJson(deps) : (at: Path, sum: Below) => deps.print(`${showSize(sum.bytes).padStart(7)} ${String(sum.files).padStart(9)}  /${showBytes(at)}`)
		await showBelow(driver, { id, path, depth: options.depth }, print)
		print(path, await sizeOf(driver, id))
		if (options.json) deps.print(']')
	})
}

type Print = (path: Path, sum: Below) => void

function lineOfJson(deps: Deps): Print {
	let isFirst = true
	return (path, sum) => {
		deps.print(`${isFirst ? '[' : ','}${JSON.stringify({ ...jsonBytes('path', path), ...sum })}`)
		isFirst = false
	}
}

/** Of a file: its own size. */
async function sizeOf(driver: Driver, id: FileId): Promise<Below> {
	const row = await files.find(driver, id)
	if (row && row.kind !== KIND.directory) return { files: 1, bytes: row.kind === KIND.regular ? row.size : 0, directories: 0 }
	return await drive(sizeBelow(driver, id))
}

/** What is deepest comes first, as du(1) has it. */
async function showBelow(driver: Driver, { id, path, depth }: { id: FileId; path: Path; depth: number }, print: Print): Promise<void> {
	if (depth === 0) return
	for (let after = 0; ; ) {
		const page = await drive(childSizes(driver, id, after, PAGE_ROWS))
		for (const { id: child, name, ...sum } of page) {
			const below = path.length === 0 ? name : Buffer.concat([path, Buffer.from('/'), name])
			await showBelow(driver, { id: child, path: below, depth: depth - 1 }, print)
			print(below, sum)
		}
		if (page.length < PAGE_ROWS) return
		after = page[page.length - 1].id
	}
}
