/** Extended attributes of what is adopted: they belong to the file as its mode does. */
import { KIND } from '../../core/catalogue/files.ts'
import type { XattrRow } from '../../core/catalogue/xattrs.ts'
import { codeOf } from '../../core/errors.ts'
import { showPath } from '../../core/text.ts'
import { pathOfItem, type Ready } from './item.ts'
import { GONE, stopIfAway } from './look.ts'
import type { Walking } from './walking.ts'

/** Of those that may have some. A file is left to the next walk where they cannot be had now; a directory, which has others in it, comes without them. */
export async function readXattrs({ node, run }: Walking, items: readonly Ready[]): Promise<readonly Ready[]> {
	const left = new Set<Ready>()
	for (const item of items) {
		if (!item.mayHaveXattrs || item.known) continue
		const path = pathOfItem(item)
		try {
			item.xattrs = await node.operations.xattrs(path)
			item.mayHaveXattrs = false
		} catch (error) {
			stopIfAway(node, error)
			if (GONE.has(codeOf(error))) continue
			const why = `its extended attributes cannot be read: ${(error as Error).message}`
			if (item.kind === KIND.directory) run.note(`node ${node.name}: ${showPath(path)}: ${why}`)
			else {
				run.trouble(path, why)
				left.add(item)
			}
		}
	}
	return left.size === 0 ? items : items.filter((item) => !left.has(item))
}

/** As rows. */
export function xattrsOf({ id, xattrs }: Ready): XattrRow[] {
	return xattrs.map(({ name, value }) => ({ file_id: id, name, value }))
}
