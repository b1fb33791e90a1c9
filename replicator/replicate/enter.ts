/** The transaction that makes copies count: what was true when they were begun must still be, and intents bring them to their names. */
import type { Transaction } from '../../core/catalogue/driver.ts'
import { FLAG_HAS_XATTRS } from '../../core/catalogue/files.ts'
import * as hashes from '../../core/catalogue/hashes.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { FILES_MAX, setMade } from '../../core/catalogue/wanted.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { carries } from '../../core/filesystem/intents.ts'
import type { FileId, NodeId, Path } from '../../core/ids.ts'
import type { Op } from '../../core/op.ts'
import { isStillOurs } from '../replicator.ts'
import { isUnsettled, type Looked, look, type Want } from './look.ts'
import type { Brought } from './place.ts'
import type { Round } from './round.ts'
import { type Standing, standingForChange } from './standing.ts'
import type { Place } from './tree-paths.ts'

/** A copy that waits beside the tree; a symlink has nothing there, its text is in the catalogue. */
export interface Made {
	want: Want
	/** One for each name, all of one inode; none of a symlink. */
	asides: Path[]
	ino: number
	/** Of its content; undefined of a symlink. */
	hash: Buffer | undefined
	/** Where it was read. */
	from: Path | undefined
}

export interface Entered extends Brought {
	made: Made
	places: Place[]
}

/** `isNew`: entered by this very transaction. */
export type Verdict = { entered: Entered; isNew: boolean } | { refused: 'busy' | 'gone' | 'lost' }

/** A verdict for each. It may be asked again with the same token, when the catalogue's answer was lost. */
export async function enter(round: Round, list: readonly Made[], token: number): Promise<Map<FileId, Verdict>> {
	return await transact(round.rep.fs, (tx) => enterAll(round, tx, list, token))
}

function* enterAll({ rep, underWay }: Round, tx: Transaction, list: readonly Made[], token: number): Op<Map<FileId, Verdict>> {
	const { fs, node } = rep
	const verdicts = new Map<FileId, Verdict>()
	const isOurs = yield* isStillOurs(rep, tx)
	if (!isOurs) {
		for (const { want } of list) verdicts.set(want.file.id, { refused: 'lost' })
		return verdicts
	}
	const ids = list.map(({ want }) => want.file.id).sort((a, b) => a - b)
	const looked = yield* look(tx, node.id, ids, fs.capabilities.forUpdate)
	const standing = yield* standingForChange(fs, tx, { node: node.id, own: underWay })
	carries(fs, tx, token)
	for (const made of list) verdicts.set(made.want.file.id, judge({ made, looked, standing, token, node: node.id }))
	write(fs, tx, node.id, [...verdicts.values()].filter(isNew))
	return verdicts
}

/** Of several copies, which nobody has compared yet, one may have rotted: it would not do as what the others are held against. */
function isOnlySource({ copies, file }: Want): boolean {
	return copies.filter(({ state, version }) => state === REPLICA.good && version === file.version).length === 1
}

interface Case {
	made: Made
	looked: Looked
	standing: Standing
	token: number
	node: number
}

function isNew(verdict: Verdict): verdict is { entered: Entered; isNew: true } {
	return 'entered' in verdict && verdict.isNew
}

function write(fs: Filesystem, tx: Transaction, node: NodeId, list: ReadonlyArray<{ entered: Entered }>): void {
	const ids = list.map(({ entered }) => entered.made.want.file.id)
	for (let from = 0; from < ids.length; from += FILES_MAX) setMade(tx, node, ids.slice(from, from + FILES_MAX), fs.capabilities)
	for (const { entered } of list) {
		const { want, hash } = entered.made
		if (hash && !want.hash && isOnlySource(want)) hashes.setHash(tx, want.file.id, want.file.version, hash)
	}
	intents.insertAll(
		tx,
		fs.client,
		list.flatMap(({ entered }) => entered.intents),
		fs.capabilities,
	)
}

function judge({ made, looked, standing, token, node }: Case): Verdict {
	const { id } = made.want.file
	const before = looked.there.has(id) ? standing.madeBy(token, id) : []
	if (before.length > 0) {
		const isFirst = isFirstHere(made.want)
		return { entered: { file: id, ino: made.ino, made, places: made.want.places, intents: before.map((intent) => ({ ...intent, isNew: isFirst })) }, isNew: false }
	}
	const now = looked.wants.get(id)
	if (!now) return { refused: 'gone' }
	if (isUnsettled(now) || now.file.version !== made.want.file.version) return { refused: 'busy' }
	if (!isOfTheseNames(made, now) || now.places.some(({ path }) => standing.isInTheWay(path))) return { refused: 'busy' }
	const list = intentsOf({ made, now, token, node })
	return { entered: { file: id, ino: made.ino, made: { ...made, want: now }, places: now.places, intents: list }, isNew: true }
}

/** Nothing of ours has its names on the node: what came to one since it was looked at is not replaced. */
function isFirstHere({ own }: Want): boolean {
	return own.version === 0
}

/** Without a hash to go by, what was read is the file's content only if the path it was read at is the file's still. */
function isOfTheseNames({ asides, hash, from, want }: Made, now: Want): boolean {
	if (hash === undefined) return true
	if (asides.length < now.places.length) return false
	const known = now.hash ?? want.hash
	if (known) return known.equals(hash)
	return now.places.some(({ path }) => from !== undefined && path.equals(from))
}

function intentsOf({ made, now, token, node }: { made: Made; now: Want; token: number; node: number }): Intent[] {
	const { file, places } = now
	const common = { nodeId: node, fileId: file.id, token }
	if (made.hash === undefined) return symlinkIntents(now, common)
	const isFirst = isFirstHere(now)
	const list = places.map(({ path }, index): Intent => ({ ...common, op: 'rename', path: made.asides[index], toPath: path, isNew: isFirst }))
	for (const aside of made.asides.slice(places.length)) list.push({ ...common, op: 'unlink', path: aside, toPath: null })
	const { mode, uid, gid, mtime, mtime_ns } = made.want.file
	const isSame = file.mode === mode && file.uid === uid && file.gid === gid && file.mtime === mtime && file.mtime_ns === mtime_ns
	if (!isSame) list.push({ ...common, op: 'attributes', path: places[0].path, toPath: null })
	if (file.flags & FLAG_HAS_XATTRS) list.push({ ...common, op: 'xattrs', path: places[0].path, toPath: null })
	return list
}

function symlinkIntents({ file, places }: Want, common: Pick<Intent, 'nodeId' | 'fileId' | 'token'>): Intent[] {
	const target = Buffer.from(file.target ?? [])
	return places.map(({ path }) => ({ ...common, op: 'symlink', path, toPath: target }))
}
