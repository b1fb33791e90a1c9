/**
 * What was found, some hundreds at a time. While the catalogue is told of one batch the threads hash the files of the next
 * ones: batches wait in a short line and are written in their order.
 */
import { KIND } from '../../core/catalogue/files.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { carryOut } from '../../core/filesystem/intents.ts'
import type { Name, Path } from '../../core/ids.ts'
import { isPromise, run as drive } from '../../core/op.ts'
import { showPath } from '../../core/text.ts'
import type { Answers } from '../hashing/hashing.ts'
import { sizeOf } from '../hashing/packets.ts'
import { setPosition } from '../replicator.ts'
import { type Entered, enter } from './enter.ts'
import { bytesOf, fill, type Item, outcomeOf, pathOfItem, type Ready } from './item.ts'
import { checkIdentity } from './look.ts'
import type { Sheaf } from './sheaf.ts'
import type { Watch } from './watch.ts'
import type { Directory, Walking } from './walking.ts'
import { readXattrs } from './xattrs.ts'

const ITEMS_MAX = 1_024
/** Full batches whose files are being hashed. */
const WAITING_MAX = 2

interface Batch {
	ready: Ready[]
	/** Regular files, of each directory apart. */
	unread: Item[][]
	sheaves: Sheaf[]
	/** Directories of whose names the catalogue was not asked, because they are new. */
	unasked: Directory[]
	/** Of all. */
	many: number
	watch: Watch
}

/** Regular files, and what will be known of them. */
interface Read {
	items: Item[]
	answers: Promise<Answers>
}

export interface Batches {
	/** Before the catalogue is asked of what may be put in. */
	open(): void
	add(item: Ready): void
	/** Regular files of one directory, whose hashes are still to come. */
	read(items: Item[]): void
	/** What was read in a new directory. */
	addSheaf(sheaf: Sheaf): void
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
	const waiting: Array<Batch & { position: Path | null; read: Read[] }> = []

	function close(position: Path | null): void {
		// Asked for in one turn, what is in several directories travels to a thread together.
		if (open) waiting.push({ ...open, position, read: open.unread.map((items) => ({ items, answers: ask(items) })) })
		open = undefined
	}

	function ask(items: readonly Item[]): Promise<Answers> {
		const { hashing, node, run } = walking
		const names = items.map(({ name }) => name)
		return hashing.hashNames(node, items[0].directory.path, names, { signal: run.signal })
	}

	async function writeFirst(): Promise<void> {
		const batch = waiting.shift()
		if (!batch) return
		const position = keepsPosition ? batch.position : undefined
		const left = await write(walking, batch, position)
		// Another made it, with another id: what is below is to be looked for anew.
		if (left.some(({ kind, known }) => kind === KIND.directory && !known)) walking.watchman.doubt()
		for (const item of left) await again(item.directory.path, item.name)
	}

	return {
		open() {
			open ??= { ready: [], unread: [], sheaves: [], unasked: [], many: 0, watch: walking.watchman.open() }
		},
		add(item) {
			if (!open) return
			open.ready.push(item)
			open.many++
		},
		read(items) {
			if (!open || items.length === 0) return
			open.unread.push(items)
			open.many += items.length
		},
		addSheaf(sheaf) {
			if (!open) return
			open.unasked.push(sheaf.directory)
			if (sheaf.places.length > 0) open.sheaves.push(sheaf)
			open.many += sheaf.places.length
		},
		async pass(position) {
			if (!open || open.many < ITEMS_MAX) return
			close(position)
			while (waiting.length > WAITING_MAX) await writeFirst()
		},
		isEmpty: () => waiting.length === 0 && (open === undefined || open.many === 0),
		async finish(position) {
			close(position)
			while (waiting.length > 0) await writeFirst()
		},
	}
}

/** What has to be looked at again. */
async function write(walking: Walking, batch: Batch & { read: Read[] }, position: Path | null | undefined): Promise<Ready[]> {
	const { ready, read, sheaves, unasked, watch } = batch
	try {
		// Directories come first: what is in them follows.
		for (const { items, answers } of read) fill(walking, items, await answers, ready)
		return await writeItems(walking, { items: ready, sheaves, unasked, watch, position })
	} finally {
		watch.end()
	}
}

export interface Found {
	items: readonly Ready[]
	sheaves?: readonly Sheaf[]
	unasked?: readonly Directory[]
	watch: Watch
	position?: Path | null
}

export async function writeItems(walking: Walking, { items: found, sheaves = [], unasked = [], watch, position }: Found): Promise<Ready[]> {
	const items = await readXattrs(walking, found)
	if (items.length + sheaves.length > 0) await checkIdentity(walking)
	if (walking.options.dryRun) return tellOnly(walking, items)
	const { fs } = walking
	const token = fs.nextToken++
	const result = transact(fs, function* (tx) {
		const entered = yield* enter(walking, tx, { items, sheaves, unasked, watch, token })
		if (position !== undefined) setPosition(walking.rep, tx, position)
		return { entered, end: yield* walking.watchman.end(tx) }
	})
	const { entered, end }: { entered: Entered; end: number } = isPromise(result) ? await result : result
	const passed = drive(walking.watchman.passOver(end))
	if (isPromise(passed)) await passed
	tellEntered(walking, entered)
	await drive(carryOut(fs, entered.made))
	return [...entered.busy, ...entered.differing]
}

function tellEntered({ fs, run }: Walking, { done, sheaves }: Entered): void {
	for (const { directory } of [...done, ...sheaves]) {
		fs.readAhead.forgetDirectory(directory.id)
		fs.touched.forget(directory.id)
	}
	for (const item of done) run.done(outcomeOf(item), bytesOf(item))
	for (const { gathered, places } of sheaves) for (const at of places) run.done('adopted', sizeOf(gathered.numbers, at))
}

/** A dry run: as if nobody were at work. Known files whose content is another are still looked at. */
function tellOnly({ node, run }: Walking, items: readonly Ready[]): Ready[] {
	for (const item of items) {
		if (item.known) continue
		run.note(`node ${node.name}: would adopt ${showPath(pathOfItem(item))}`)
		run.done(outcomeOf(item), bytesOf(item))
	}
	return items.filter(({ known }) => known !== undefined)
}
