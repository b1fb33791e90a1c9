/** Extended attributes of what is adopted: they belong to the file as its mode does. */
import type { XattrRow } from '../../core/catalogue/xattrs.ts'
import { codeOf } from '../../core/errors.ts'
import { pathOfItem, type Ready } from './item.ts'
import { GONE, stopIfAway } from './look.ts'
import { shown, type Walking } from './walking.ts'

/** Of those that may have some. Where they cannot be had the file is adopted without them. */
export async function readXattrs({ node, run }: Walking, items: readonly Ready[]): Promise<void> {
	for (const item of items) {
		if (!item.mayHaveXattrs || item.known) continue
		const path = pathOfItem(item)
		try {
			item.xattrs = await node.operations.xattrs(path)
		} catch (error) {
			stopIfAway(node, error)
			if (!GONE.has(codeOf(error))) run.note(`node ${node.name}: the extended attributes of ${shown(path)} cannot be read: ${(error as Error).message}`)
		}
	}
}

/** As rows. */
export function xattrsOf({ id, xattrs }: Ready): XattrRow[] {
	return xattrs.map(({ name, value }) => ({ file_id: id, name, value }))
}
