/** Extended attributes, and the virtual ones that explain a file. */
import * as changes from '../catalogue/changes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { EntryRow } from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import * as replicas from '../catalogue/replicas.ts'
import { REPLICA, type ReplicaRow } from '../catalogue/replicas.ts'
import * as xattrs from '../catalogue/xattrs.ts'
import { now } from '../clock.ts'
import { fail } from '../errors.ts'
import type { FileId } from '../ids.ts'
import { isKeptOnNodes } from '../nodes/xattrs.ts'
import { type Op, wait } from '../op.ts'
import { classById } from '../placement/placement.ts'
import { explain } from '../stats/explain.ts'
import { inOneSentence } from '../stats/explain-text.ts'
import { askerOf } from '../stats/asker.ts'
import { joinPath } from './directories.ts'
import type { Check } from './expected.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { carryOutAfterwards, intend } from './intents.ts'

const VALUE_BYTES_MAX = 65_536
const LIST_BYTES_MAX = 65_536
const NUL = Buffer.alloc(1)
const TRUSTED = 'trusted.'

const VIRTUAL: Record<string, (fs: Filesystem, id: FileId) => Op<Buffer>> = {
	'user.cairn.replicas': explainReplicas,
	'user.cairn.class': explainClass,
	'user.cairn.why': explainWhy,
}

export function* getXattr(fs: Filesystem, id: FileId, name: Buffer): Op<Uint8Array> {
	return (yield* findXattr(fs, id, name)) ?? fail('ENODATA')
}

/** Undefined where there is none: the kernel asks that of every file that is written. */
export function* findXattr(fs: Filesystem, id: FileId, name: Buffer): Op<Uint8Array | undefined> {
	const virtual = VIRTUAL[name.toString('latin1')]
	if (virtual) return yield* virtual(fs, id)
	const orphan = orphanAttributes(fs, id)
	if (orphan) return orphan.get(name.toString('latin1'))
	const row = yield* known(fs, id)
	if ((row.flags & files.FLAG_HAS_XATTRS) === 0) return undefined
	const [[found]] = yield* wait(fs.catalogue.read(xattrs.findQuery(id, name)))
	return found?.value as Uint8Array | undefined
}

/** Whether the file may have any: from what is open here if it is, to spare the most frequent question a query. */
function* known(fs: Filesystem, id: FileId): Op<FileRow> {
	const open = fs.open.get(id)
	if (open) return open.row
	return (yield* wait(files.find(fs.catalogue, id))) ?? fail('ESTALE')
}

/** As the kernel wants them, and no more than it takes. Nobody but root is told of `trusted.`, which nobody else can read. */
export function* listXattrs(fs: Filesystem, id: FileId, uid = 0): Op<Buffer> {
	const names = (yield* xattrNames(fs, id)).filter((name) => uid === 0 || name.toString('latin1', 0, TRUSTED.length) !== TRUSTED)
	const list = Buffer.concat(names.flatMap((name) => [name, NUL]))
	return list.length > LIST_BYTES_MAX ? fail('E2BIG') : list
}

export function* xattrNames(fs: Filesystem, id: FileId): Op<Buffer[]> {
	const orphan = orphanAttributes(fs, id)
	if (orphan) return [...orphan.keys()].map((name) => Buffer.from(name, 'latin1'))
	const row = yield* known(fs, id)
	if ((row.flags & files.FLAG_HAS_XATTRS) === 0) return []
	return (yield* wait(xattrs.names(fs.catalogue, id))).map(({ name }) => Buffer.from(name))
}

export function* setXattr(fs: Filesystem, id: FileId, name: Buffer, value: Buffer, flags: { create: boolean; replace: boolean }): Op<void> {
	if (name.toString('latin1') in VIRTUAL) fail('EPERM')
	if (name.length > 255) fail('ERANGE')
	if (value.length > VALUE_BYTES_MAX) fail('E2BIG')
	const orphan = orphanAttributes(fs, id)
	if (orphan) return setOnOrphan(orphan, name.toString('latin1'), value, flags)
	yield* change(fs, id, [name], function* (tx, row) {
		const [[found]] = yield* wait(tx.read(xattrs.findQuery(id, name)))
		if (flags.create && found) fail('EEXIST')
		if (flags.replace && !found) fail('ENODATA')
		xattrs.set(tx, id, name, value, fs.capabilities)
		return row.flags | files.FLAG_HAS_XATTRS
	})
}

export function* removeXattr(fs: Filesystem, id: FileId, name: Buffer): Op<void> {
	if (name.toString('latin1') in VIRTUAL) fail('EPERM')
	const orphan = orphanAttributes(fs, id)
	if (orphan) {
		if (!orphan.delete(name.toString('latin1'))) fail('ENODATA')
		return
	}
	yield* change(fs, id, [name], function* (tx, row) {
		const [[found], [{ count }]] = (yield* wait(tx.read(xattrs.findQuery(id, name), xattrs.countQuery(id)))) as [unknown[], Array<{ count: number }>]
		if (!found) fail('ENODATA')
		xattrs.remove(tx, id, name)
		return count > 1 ? row.flags : row.flags & ~files.FLAG_HAS_XATTRS
	})
}

/** What has no name any more keeps its attributes where it keeps everything: in the process that removed it. */
function orphanAttributes(fs: Filesystem, id: FileId): Map<string, Buffer> | undefined {
	const open = fs.open.get(id)
	return open?.orphan ? open.orphanXattrs : fs.removed.get(id)?.xattrs
}

function setOnOrphan(orphan: Map<string, Buffer>, name: string, value: Buffer, flags: { create: boolean; replace: boolean }): void {
	if (flags.create && orphan.has(name)) fail('EEXIST')
	if (flags.replace && !orphan.has(name)) fail('ENODATA')
	orphan.set(name, value)
}

type Change = (tx: Parameters<typeof xattrs.set>[0], row: FileRow) => Op<number>

export interface XattrChange {
	name: Buffer
	/** Undefined: there is to be none. */
	value: Buffer | undefined
}

/** Several at once, all of them or none. ENOSPC where a mount could not list them any more. */
export function* changeXattrs(fs: Filesystem, id: FileId, list: readonly XattrChange[], check?: Check): Op<void> {
	const names = list.map(({ name }) => name)
	yield* change(fs, id, names, function* (tx, row) {
		if (check) yield* check(tx, row)
		for (const { name, value } of list) {
			if (value === undefined) xattrs.remove(tx, id, name)
			else xattrs.set(tx, id, name, value, fs.capabilities)
		}
		const all = yield* wait(xattrs.names(tx, id))
		const bytes = all.reduce((sum, { name }) => sum + name.length + NUL.length, 0)
		if (bytes > LIST_BYTES_MAX && list.some(({ value }) => value !== undefined)) fail('ENOSPC', 'it has too many attributes')
		return all.length > 0 ? row.flags | files.FLAG_HAS_XATTRS : row.flags & ~files.FLAG_HAS_XATTRS
	})
}

function* change(fs: Filesystem, id: FileId, names: readonly Buffer[], body: Change): Op<void> {
	const time = now()
	const token = fs.nextToken++
	const { flags, made } = yield* wait(
		transact(fs, function* (tx) {
			const [[row]] = (yield* wait(tx.read(files.findQuery(id, fs.capabilities.forUpdate)))) as [FileRow[]]
			if (!row) return fail('ESTALE')
			const flags = yield* body(tx, row)
			files.setFlags(tx, id, flags, time)
			changes.insert(tx, fs.client, { op: 'xattr', file: id }, fs.capabilities)
			const plan = row.kind === KIND.regular && names.some(isKeptOnNodes) ? yield* planned(fs, tx, id, token) : []
			return { flags, made: yield* intend(fs, tx, plan, true) }
		}),
	)
	fs.readAhead.forgetFile(id)
	fs.touched.forget(id)
	const open = fs.open.get(id)
	if (open) open.row = { ...open.row, flags, ctime: time.s, ctime_ns: time.ns }
	yield* carryOutAfterwards(fs, made)
}

/** The copies get them too: whoever has nothing but a node's disk finds all of the file there. */
function* planned(fs: Filesystem, tx: Transaction, id: FileId, token: number): Op<Intent[]> {
	const [[entry], copies] = (yield* wait(tx.read(entries.namesQuery(id, 1), replicas.ofFileQuery(id)))) as [EntryRow[], ReplicaRow[]]
	if (!entry) return []
	const path = joinPath(yield* fs.directories.path(tx, entry.parent_id), Buffer.from(entry.name))
	return copies.map(({ node_id: nodeId }) => ({ nodeId, op: 'xattrs', path, toPath: null, fileId: id, token }))
}

const STATES: Record<number, string> = { [REPLICA.good]: 'good', [REPLICA.wanted]: 'wanted', [REPLICA.suspect]: 'suspect', [REPLICA.surplus]: 'surplus' }

function* copiesOf(fs: Filesystem, id: FileId): Op<{ row: FileRow; copies: ReplicaRow[] }> {
	const [[row], copies] = (yield* wait(fs.catalogue.read(files.findQuery(id), replicas.ofFileQuery(id)))) as [FileRow[], ReplicaRow[]]
	return row ? { row, copies } : fail('ENODATA')
}

function* explainReplicas(fs: Filesystem, id: FileId): Op<Buffer> {
	const { copies } = yield* copiesOf(fs, id)
	return Buffer.from(copies.map((copy) => `${nodeName(fs, copy.node_id)} ${STATES[copy.state]} ${copy.version}`).join('\n'))
}

function nodeName(fs: Filesystem, id: number): string {
	return fs.nodes.get(id)?.name ?? `#${id}`
}

function* explainClass(fs: Filesystem, id: FileId): Op<Buffer> {
	const { row } = yield* copiesOf(fs, id)
	const rule = classById(fs, row.class_id)
	return Buffer.from(`${rule.name} (${rule.pattern}): ${rule.copies} copies`)
}

/** One sentence: what the file should have, what it has, and what stands in the way of the difference. */
function* explainWhy(fs: Filesystem, id: FileId): Op<Buffer> {
	return Buffer.from(inOneSentence(yield* explain(askerOf(fs), id, fs.classes)))
}
