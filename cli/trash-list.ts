/** `cairn trash list [PATH]`. */
import { KIND } from '../core/catalogue/files.ts'
import * as classTable from '../core/catalogue/classes.ts'
import { below, folders, type Kept } from '../core/filesystem/trash-contents.ts'
import { dayOf, folderName, originalPath } from '../core/filesystem/trash-paths.ts'
import { keepDays } from '../replicator/trash/purge.ts'
import { databaseClock } from '../replicator/trash/trash.ts'
import { jsonBytes, showBytes } from '../core/text.ts'
import { withCatalogue } from './catalogue.ts'
import { showSize } from './sizes.ts'
import { isAtOrBelow, TREE_PATH, treePath } from './tree-path.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	path?: string
	json: boolean
}

export const trashList: Verb<Options> = (deps) => ({
	command: 'list [path]',
	describe: 'removed files, oldest first: when, number, size, days left, path',
	builder: (yargs) => yargs.positional('path', { type: 'string', describe: `only what was at or below it: ${TREE_PATH}` }).option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export interface KeptFile {
	id: number
	removed: string
	size: number
	class: string
	daysLeft: number
	path: string
	pathBase64?: string
	trashPath: string
	trashPathBase64?: string
}

/** A line as soon as it is known: there may be a million. */
export async function run(options: Options, deps: Deps): Promise<void> {
	await withCatalogue(options, deps, async (driver, config) => {
		const wanted = options.path === undefined ? undefined : await treePath(options.path, config, deps)
		const classes = await classTable.list(driver)
		const today = dayOf(await databaseClock({ catalogue: driver, capabilities: driver.capabilities }))
		let isFirst = true
		for (const folder of await folders(driver)) {
			for await (const kept of below(driver, folder)) {
				const path = originalPath(kept.path)
				if (kept.row.kind === KIND.directory || !path || (wanted && !isAtOrBelow(path, wanted) && !isAtOrBelow(kept.path, wanted))) continue
				const file = toFile(kept, path, { classes, config, today })
				deps.print(options.json ? `${isFirst ? '[' : ','}${JSON.stringify(file)}` : toLine(file, path))
				isFirst = false
			}
		}
		if (options.json) deps.print(isFirst ? '[]' : ']')
		else if (isFirst) deps.print(wanted ? 'nothing of that is in the trash' : 'the trash is empty')
	})
}

type Known = Parameters<typeof keepDays>[0] & { today: number }

function toFile(kept: Kept, path: Buffer, { today, ...known }: Known): KeptFile {
	const { row, folder } = kept
	return {
		id: row.id,
		removed: folderName({ day: folder.day, keepDays: undefined }).toString(),
		size: row.size,
		class: known.classes.find((rule) => rule.id === row.class_id)?.name ?? '',
		daysLeft: Math.max(0, folder.day + keepDays(known, kept) + 1 - today),
		...jsonBytes('path', path),
		...jsonBytes('trashPath', kept.path),
	}
}

function toLine({ id, removed, size, daysLeft }: KeptFile, path: Buffer): string {
	return [removed, String(id).padStart(8), showSize(size).padStart(6), `${daysLeft} d left`.padStart(11), ` ${showBytes(path)}`].join(' ')
}
