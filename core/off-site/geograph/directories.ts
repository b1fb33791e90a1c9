/** The directories of what is imported: found in the tree or made, each once. */
import type { Reader, Transaction } from '../../catalogue/driver.ts'
import * as entries from '../../catalogue/entries.ts'
import { KIND, type FileRow } from '../../catalogue/files.ts'
import type { NewRow } from '../../catalogue/walks.ts'
import * as walks from '../../catalogue/walks.ts'
import { type FileId, type Name, ROOT_ID } from '../../ids.ts'
import { type Op, wait } from '../../op.ts'

/** Of an archive with more directories the first are looked up again. */
const KNOWN_MAX = 500_000

export interface Directories {
	/** Undefined: a name on the way is that of a file. New ones go to `made`. */
	find(reader: Reader, names: readonly Name[], made: NewRow[]): Op<FileId | undefined>
	forget(): void
}

export interface Owner {
	uid: number
	gid: number
}

const MODE = 0o755
const BYTES = 4_096

export function createDirectories(nextId: () => Op<FileId>, owner: Owner): Directories {
	const known = new Map<string, FileId>()

	function* find(reader: Reader, names: readonly Name[], made: NewRow[]): Op<FileId | undefined> {
		let parent: FileId = ROOT_ID
		let key = ''
		for (const name of names) {
			key += `/${name.toString('latin1')}`
			const id: FileId | undefined = known.get(key) ?? (yield* look(reader, parent, name, made))
			if (id === undefined) return undefined
			known.set(key, id)
			parent = id
		}
		return parent
	}

	function* look(reader: Reader, parent: FileId, name: Name, made: NewRow[]): Op<FileId | undefined> {
		const row = made.some((each) => each.row.id === parent) ? undefined : yield* wait(entries.lookup(reader, parent, name))
		if (row) return row.kind === KIND.directory ? row.id : undefined
		const id = yield* nextId()
		made.push({ row: newDirectory(id, owner), parent, name, hash: null, target: null })
		return id
	}

	return {
		*find(reader, names, made) {
			if (known.size > KNOWN_MAX) known.clear()
			return yield* find(reader, names, made)
		},
		forget: () => known.clear(),
	}
}

function newDirectory(id: FileId, { uid, gid }: Owner): FileRow {
	const now = Math.floor(Date.now() / 1000)
	return {
		id, kind: KIND.directory, mode: MODE, uid, gid, rdev: 0, nlink: 2, size: BYTES, blocks: 0, atime: now, atime_ns: 0, mtime: now, mtime_ns: 0,
		ctime: now, ctime_ns: 0, version: 1, class_id: 0, flags: 0,
	}
}

/** Those above new directories have so many more links. */
export function addLinks(tx: Transaction, made: readonly NewRow[]): void {
	const links = new Map<FileId, number>()
	for (const { parent } of made) links.set(parent, (links.get(parent) ?? 0) + 1)
	for (const [id, many] of links) walks.addLinks(tx, id, many)
}
