/** One directory: what is known is passed over, what is new goes into the batch, what is doubtful is looked at by itself. */
import { KIND } from '../../core/catalogue/files.ts'
import type { IntentRow } from '../../core/catalogue/intents.ts'
import type { WalkedRow } from '../../core/catalogue/walks.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import { codeOf } from '../../core/errors.ts'
import type { Name } from '../../core/ids.ts'
import { isLeftOpen } from '../../core/nodes/left-open.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { run as drive } from '../../core/op.ts'
import { standsInTheWay } from '../../core/in-the-way.ts'
import type { Gathered } from '../hashing/packets.ts'
import { isBelievable } from './absent.ts'
import type { Batches } from './batch.ts'
import { begin, nameOf, type Pair, readPart, STANDING_ROWS_MAX } from './chunks.ts'
import { compare, isGood } from './compare.ts'
import { examine } from './examine.ts'
import { GONE, listDirectory, statNames, stopIfAway } from './look.ts'
import type { Item, Ready } from './item.ts'
import type { Child } from './order.ts'
import { directoryAt } from './place.ts'
import { isPlain, nameIn } from './sheaf.ts'
import { firstId, itemOfUnknown, newItem, nextId } from './unknown.ts'
import { type Directory, type Walking, WalkStopped } from './walking.ts'
import type { Watch } from './watch.ts'

/** Names looked at by themselves at once. */
const EXAMINED_AT_ONCE = 16

/** What of a directory is asked for; all of it by default. */
export interface Scope {
	/** This name alone. */
	only?: Name
	/** Directories from this name on, to go on behind what was walked before. */
	from?: Name
}

export function isWhole({ only, from }: Scope): boolean {
	return !only && !from
}

export interface Visit {
	walking: Walking
	batches: Batches
	directory: Directory
	scope: Scope
	children: Child[]
	/** Regular files of one part, whose hash will say what they are. */
	unread: Item[]
	doubtful: Name[]
	absent: Name[]
	/** Copies that should be here. */
	known: number
	/** Since before the node was asked what is here. */
	watch: Watch
}

type Begun = Pick<Visit, 'walking' | 'batches' | 'directory' | 'scope'>

async function watched<T>(begun: Begun, work: (here: Visit) => Promise<T>): Promise<T> {
	const watch = begun.walking.watchman.open()
	try {
		return await work({ ...begun, watch, children: [], unread: [], doubtful: [], absent: [], known: 0 })
	} finally {
		watch.end()
	}
}

/** The directories to go on with; undefined when directories were moved meanwhile and it has to be visited again. */
export function visit(walking: Walking, batches: Batches, directory: Directory, scope: Scope): Promise<Child[] | undefined> {
	return watched({ walking, batches, directory, scope }, visitListed)
}

async function visitListed(here: Visit): Promise<Child[] | undefined> {
	const { walking, batches, directory } = here
	const entries = directory.onDisk ? await listDirectory(walking, directory.path) : []
	if (!entries) return []
	let position = begin(entries)
	for (let isLast = false; !isLast; ) {
		if (walking.run.signal.aborted) return here.children
		batches.open()
		const { part, next } = await readPart(walking, directory.id, position)
		if (!(await isStillThere(walking, directory))) return undefined
		await sort(here, part.pairs, part.standing)
		await read(here)
		await batches.pass(directory.path)
		;({ isLast } = part)
		position = next
	}
	await settleRest(here)
	return here.children
}

/** A new directory whose files were read before its turn came: what is not plain is looked at as above. */
export function visitNew(walking: Walking, batches: Batches, directory: Directory, gathered: Gathered): Promise<Child[]> {
	return watched({ walking, batches, directory, scope: {} }, (here) => visitGathered(here, gathered))
}

async function visitGathered(here: Visit, gathered: Gathered): Promise<Child[]> {
	const { walking, batches, directory } = here
	const places: number[] = []
	batches.open()
	for (let at = 0; at < gathered.ends.length; at++) {
		if (isPlain(gathered, at)) places.push(at)
		else here.unread.push(newItem({ directory, name: nameIn(gathered, at), kind: KIND.regular }))
	}
	for (const { name, kind, stat } of gathered.others) {
		if (kind === KIND.regular) walking.run.done('busy', 0)
		else await meetUnknown(here, Buffer.from(name, 'latin1'), kind, stat)
	}
	batches.addSheaf({ directory, gathered, places, first: await firstId(walking, places.length) })
	await read(here)
	return here.children
}

/** Directories are moved, mostly others than this and what it is in. */
async function isStillThere({ watchman, fs }: Walking, directory: Directory): Promise<boolean> {
	const generation = watchman.generation()
	if (generation === directory.generation) return true
	if ((await drive(directoryAt(fs, directory.path))) !== directory.id) return false
	directory.generation = generation
	return true
}

async function sort(here: Visit, pairs: readonly Pair[], standing: readonly IntentRow[]): Promise<void> {
	if (standing.length >= STANDING_ROWS_MAX) throw new WalkStopped(`node ${here.walking.node.name} has much to carry out first`)
	const { walking } = here
	const both: Array<{ row: WalkedRow; name: Name }> = []
	for (const pair of pairs) {
		const name = nameOf(pair)
		if (!isAsked(here, name, pair)) continue
		const { row, entry } = pair
		if (standing.length > 0 && isWaiting(here, standing, name)) waiting(here, pair)
		else if (!row && isLeftOpen(name)) walking.run.done('busy', 0)
		else if (!row && entry?.kind === KIND.regular) here.unread.push(newItem({ directory: here.directory, name, kind: entry.kind }))
		else if (!row && entry) await meetUnknown(here, name, entry.kind)
		else if (row && !entry) meetAbsent(here, name, row)
		else if (row && entry && row.kind !== entry.kind) meetOther(here, name, row)
		else if (row?.kind === KIND.directory) here.children.push({ name, id: row.id, onDisk: true, isNew: false })
		else if (row?.kind === KIND.symlink) meetDoubtful(here, name, row)
		else if (row) both.push({ row, name })
	}
	if (both.length > 0) await meetKnown(here, both)
}

function isAsked({ scope }: Visit, name: Name, { row, entry }: Pair): boolean {
	if (scope.only) return name.equals(scope.only)
	if (!scope.from) return true
	return (row?.kind === KIND.directory || entry?.kind === KIND.directory) && name.compare(scope.from) >= 0
}

/** Something decided about it has not been carried out here: what stands there says nothing yet. */
function isWaiting({ directory }: Visit, standing: readonly IntentRow[], name: Name): boolean {
	const path = joinPath(directory.path, name)
	return standing.some((row) => standsInTheWay(row, path))
}

function waiting({ walking }: Visit, { row, entry }: Pair): void {
	if (entry || (row && isGood(row))) walking.run.done('waiting', 0)
}

async function meetUnknown({ walking, directory, batches, children }: Visit, name: Name, kind: number, seen?: Stat): Promise<void> {
	const item = await itemOfUnknown(walking, { directory, name, kind }, seen)
	if (!item?.stat) return
	batches.add(item as Ready)
	if (kind === KIND.directory) children.push({ name, id: item.id, onDisk: true, isNew: true })
}

/** The regular files of a part go to be read. */
async function read(here: Visit): Promise<void> {
	for (const item of here.unread) {
		if (item.known) continue
		const id = nextId(here.walking)
		item.id = typeof id === 'number' ? id : await id
	}
	here.batches.read(here.unread)
	here.unread = []
}

/** It may have come since the node was asked, with all that is in it. */
function meetAbsent(here: Visit, name: Name, row: WalkedRow): void {
	const mayHaveCome = here.watch.isNamed(here.directory.id, name)
	if (row.kind === KIND.directory) here.children.push({ name, id: row.id, onDisk: mayHaveCome, isNew: false })
	if (!isGood(row) || row.version === 0) return
	if (mayHaveCome) return meetDoubtful(here, name, row)
	here.known++
	here.absent.push(name)
}

function meetOther(here: Visit, name: Name, row: WalkedRow): void {
	meetDoubtful(here, name, row)
	if (row.kind === KIND.directory) here.children.push({ name, id: row.id, onDisk: false, isNew: false })
}

function meetDoubtful(here: Visit, name: Name, row: WalkedRow): void {
	if (isGood(row)) here.known++
	here.doubtful.push(name)
}

async function meetKnown(here: Visit, both: ReadonlyArray<{ row: WalkedRow; name: Name }>): Promise<void> {
	const { walking, directory } = here
	const stats = await statBoth(here, both)
	if (!stats) return
	for (let index = 0; index < both.length; index++) {
		const { row, name } = both[index]
		const stat = stats[index]
		if (stat instanceof Error) walking.run.trouble(joinPath(directory.path, name), stat.message)
		// It went since the listing; the second look decides.
		else if (!stat) meetDoubtful(here, name, row)
		else meetFile(here, name, row, stat)
	}
}

async function statBoth({ walking, directory }: Visit, both: ReadonlyArray<{ name: Name }>) {
	try {
		return await statNames(walking, directory.path, both.map(({ name }) => name))
	} catch (error) {
		stopIfAway(walking.node, error)
		// Moved or removed since the listing, or the disk: nothing is concluded.
		if (directory.path.length > 0 && GONE.has(codeOf(error))) walking.run.done('gone', 0)
		else walking.run.trouble(directory.path, `what is in it cannot be looked at: ${(error as Error).message}`)
		return undefined
	}
}

function meetFile(here: Visit, name: Name, row: WalkedRow, stat: Stat): void {
	const { walking, unread, directory } = here
	const { options, run, inodes } = walking
	const verdict = compare(row, stat)
	if (verdict === 'doubtful') return meetDoubtful(here, name, row)
	if (isGood(row)) here.known++
	if (verdict === 'known' && stat.nlink > 1) inodes.learn(stat, row.id)
	const isRead = verdict === 'alike' || (verdict === 'known' && options.rehash && isGood(row))
	if (!isRead) return run.done(verdict, 0)
	unread.push({ ...newItem({ directory, name, kind: row.kind }), id: row.id, known: row })
}

async function settleRest({ walking, directory, doubtful, absent, known }: Visit): Promise<void> {
	const names = isBelievable(walking, directory.path, { known, absent: absent.length }) ? [...doubtful, ...absent] : doubtful
	for (let at = 0; at < names.length; at += EXAMINED_AT_ONCE) {
		await Promise.all(names.slice(at, at + EXAMINED_AT_ONCE).map((name) => examine(walking, directory.path, name)))
	}
}
