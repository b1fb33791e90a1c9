/**
 * What was found, some hundreds at a time. While the catalogue is told of one batch the threads hash the files of the next
 * ones: batches wait in a short line and are written in their order.
 */
import { transact } from '../../core/filesystem/filesystem.ts'
import type { Name, Path } from '../../core/ids.ts'
import { carryOut } from '../../core/intents.ts'
import { isPromise, run as drive } from '../../core/op.ts'
import { setPosition } from '../replicator.ts'
import { type Entered, enter } from './enter.ts'
import { bytesOf, type Item, makeReady, outcomeOf, type Ready } from './item.ts'
import type { Watch } from './watch.ts'
import { shown, type Walking } from './walking.ts'

const ITEMS_MAX = 500
/** Full batches whose files are being hashed. */
const WAITING_MAX = 2

interface Batch {
	items: Item[]
	watch: Watch
}

export interface Batches {
	/** Before the catalogue is asked of what may be put in. */
	open(): void
	add(item: Item): void
	/** Between two parts of a directory, `position` being where the walk goes on after what was put in so far. */
	pass(position: Path): Promise<void>
	/** Nothing waits to be written. */
	isEmpty(): boolean
	/** All that is left. */
	finish(position: Path | null): Promise<void>
}

/** `again` is given each name that has to be looked at by itself. */
export function createBatches(walking: Walking, keepsPosition: boolean, again: (directory: Path, name: Name) => Promise<void>): Batches {
	let open: Batch | undefined
	const waiting: Array<Batch & { position: Path | null }> = []

	function close(position: Path | null): void {
		if (open) waiting.push({ ...open, position })
		open = undefined
	}

	async function writeFirst(): Promise<void> {
		const batch = waiting.shift()
		if (!batch) return
		const position = keepsPosition ? batch.position : undefined
		for (const item of await write(walking, batch, position)) await again(item.directory.path, item.name)
	}

	return {
		open() {
			open ??= { items: [], watch: walking.watchman.open() }
		},
		add: (item) => void open?.items.push(item),
		async pass(position) {
			if (!open || open.items.length < ITEMS_MAX) return
			close(position)
			while (waiting.length > WAITING_MAX) await writeFirst()
		},
		isEmpty: () => waiting.length === 0 && (open === undefined || open.items.length === 0),
		async finish(position) {
			close(position)
			while (waiting.length > 0) await writeFirst()
		},
	}
}

/** What has to be looked at again. */
async function write(walking: Walking, { items, watch }: Batch, position: Path | null | undefined): Promise<Ready[]> {
	try {
		return await writeItems(walking, { items, watch, position })
	} finally {
		watch.end()
	}
}

export async function writeItems(walking: Walking, { items, watch, position }: { items: readonly Item[]; watch: Watch; position?: Path | null }): Promise<Ready[]> {
	const ready = await makeReady(walking, items)
	if (walking.options.dryRun) return tellOnly(walking, ready)
	const { fs, run } = walking
	const token = fs.nextToken++
	const result = transact(fs, function* (tx) {
		const entered = yield* enter(walking, tx, { items: ready, watch, token })
		if (position !== undefined) setPosition(walking.rep, tx, position)
		return entered
	})
	const entered: Entered = isPromise(result) ? await result : result
	for (const { directory } of entered.done) fs.readAhead.forgetDirectory(directory.id)
	for (const item of entered.done) run.done(outcomeOf(item), bytesOf(item))
	await drive(carryOut(fs, entered.made))
	return [...entered.busy, ...entered.differing]
}

/** A dry run: as if nobody were at work. Known files whose content is another are still looked at. */
function tellOnly({ run }: Walking, items: readonly Ready[]): Ready[] {
	for (const item of items) {
		if (item.known) continue
		run.note(`would adopt ${shown(item.path)}`)
		run.done(outcomeOf(item), bytesOf(item))
	}
	return items.filter(({ known }) => known !== undefined)
}
