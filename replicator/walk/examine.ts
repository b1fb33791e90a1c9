/** A name that needs more than a glance: asked again from the start until nobody was at it meanwhile. */
import { setTimeout as pause } from 'node:timers/promises'
import { KIND } from '../../core/catalogue/files.ts'
import type { IntentRow } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import type { OneRow } from '../../core/catalogue/walks.ts'
import * as walks from '../../core/catalogue/walks.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Name, Path } from '../../core/ids.ts'
import { run as drive } from '../../core/op.ts'
import { settleAbsent } from './absent.ts'
import { STANDING_ROWS_MAX, yetToDo } from './chunks.ts'
import { kindOfStat } from './compare.ts'
import { settleDifference } from './differing.ts'
import { isObstructed } from './finding.ts'
import { fill, type Item, pathOfItem, type Ready } from './item.ts'
import { checkIdentity, hashOf, statAll } from './look.ts'
import { itemOfUnknown } from './unknown.ts'
import { writeItems } from './batch.ts'
import { directoryAt } from './place.ts'
import { settleSymlink } from './symlink.ts'
import type { Watch } from './watch.ts'
import type { Walking } from './walking.ts'
import { settleWrongKind } from './wrong-kind.ts'

const TRIES_MAX = 3
const PAUSE_MS = 50

export async function examine(walking: Walking, directory: Path, name: Name): Promise<void> {
	for (let tries = 0; tries < TRIES_MAX; tries++) {
		if (walking.run.signal.aborted) return
		if (tries > 0) await pause(PAUSE_MS * tries)
		const watch = walking.watchman.open()
		try {
			if (await settle(walking, watch, directory, name)) return
		} finally {
			watch.end()
		}
	}
	// Somebody uses it, and whoever does keeps the catalogue right.
	walking.run.done('busy', 0)
}

/** False: look again. */
async function settle(walking: Walking, watch: Watch, above: Path, name: Name): Promise<boolean> {
	const { fs, node, run, watchman } = walking
	await drive(watchman.look(fs.catalogue))
	const generation = watchman.generation()
	const id = await drive(directoryAt(fs, above))
	if (id === undefined) return false
	const path = joinPath(above, name)
	const [[row], standing] = (await fs.catalogue.read(walks.oneQuery(node.id, id, name), intents.standingQuery(node.id, STANDING_ROWS_MAX))) as [OneRow[], IntentRow[]]
	if (isObstructed(yetToDo(fs, standing), path)) return false
	const [stat] = await statAll(walking, [path])
	if (stat instanceof Error) {
		run.trouble(path, stat.message)
		return true
	}
	await checkIdentity(walking)
	const directory = { path: above, id, generation, onDisk: true, isNew: false }
	if (!row && !stat) return gone(walking)
	if (!row) {
		const item = stat && (await itemOfUnknown(walking, { directory, name, kind: kindOfStat(stat) }))
		return !item || (await adopt(walking, item, watch))
	}
	const finding = { directory, name, path, watch, row, stat }
	if (!stat) return await settleAbsent(walking, finding)
	if (kindOfStat(stat) !== row.kind) return await settleWrongKind(walking, finding)
	if (row.kind === KIND.regular) return await settleDifference(walking, { ...finding, stat })
	return row.kind === KIND.symlink ? await settleSymlink(walking, { ...finding, stat }) : true
}

function gone({ run }: Walking): boolean {
	run.done('gone', 0)
	return true
}

async function adopt(walking: Walking, item: Item, watch: Watch): Promise<boolean> {
	const answer = item.stat ? undefined : await hashOf(walking, pathOfItem(item))
	const items = answer ? fill(walking, [item], { at: () => answer }) : [item as Ready]
	return items.length === 0 || (await writeItems(walking, { items, watch })).length === 0
}
