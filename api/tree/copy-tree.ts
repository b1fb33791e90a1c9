/** Copying a file, or a directory with what is below it. What comes of it belongs to whoever the door makes files for. */
import { setImmediate as othersFirst } from 'node:timers/promises'
import * as entries from '../../core/catalogue/entries.ts'
import { type FileRow, KIND } from '../../core/catalogue/files.ts'
import * as files from '../../core/catalogue/files.ts'
import { codeOf, fail } from '../../core/errors.ts'
import { makeDirectory, makeSpecial, makeSymlink } from '../../core/filesystem/create.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Made } from '../../core/filesystem/expected.ts'
import { list } from '../../core/filesystem/list.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { withoutSetId } from '../../core/filesystem/set-id.ts'
import { closeContent, type Content, isAsOpened, openLocated, readRange, Shortened } from '../../core/filesystem/read-content.ts'
import { resolve } from '../../core/filesystem/resolve.ts'
import { store, type StoreOptions } from '../../core/filesystem/store.ts'
import { findXattr, setXattr, xattrNames } from '../../core/filesystem/xattrs.ts'
import type { FileId, Path } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { pages } from './pages.ts'

const PAGE_ROWS = 500
/** Then others have their turn: with SQLite all directories of a page, and all that are below each other, would be made in one. */
const NAMES_AT_ONCE = 16
const ATTEMPTS_MAX = 5
/** What is said of something that is not there any more. */
const GONE = new Set(['ENOENT', 'ESTALE'])

export interface Target {
	place: Place
	path: Path
}

/** `modified` is of a file: what is below a directory has the time of its copying. */
export interface CopyOptions extends Pick<StoreOptions, 'check' | 'exclusive' | 'modified'> {
	/** A directory without what is in it. */
	shallow?: boolean
	/** It is made where it is not to stay: `path` says where that is. */
	onItsWay?: boolean
	/** Of what is below a directory: what is none of it. */
	passesOver?: (place: Place) => Promise<boolean>
}

export type Source = Pick<FileRow, 'id' | 'kind' | 'mode' | 'rdev'>

/** `path` leads to the source. A directory must not be there yet; a file is replaced in one step. */
export async function copyTree(api: Api, path: Path, source: Source, to: Target, options: CopyOptions = {}): Promise<void> {
	const { fs, config } = api
	const { uid, gid } = config.api
	const { id, kind, mode, rdev } = source
	if (kind === KIND.regular) return await copyFile(api, path, mode, to, options)
	const { check } = options
	if (kind === KIND.symlink) return void (await run(makeSymlink(fs, to.place, await targetOf(api, id), { uid, gid }, madeWith(to, options))))
	if (kind !== KIND.directory) return void (await run(makeSpecial(fs, to.place, { mode, uid, gid }, kind, rdev, check)))
	const { id: parent } = await run(makeDirectory(fs, to.place, { mode, uid, gid }, check))
	await copyXattrs(api, id, parent)
	if (!options.shallow) await copyBelow(api, path, id, { parent, path: to.path }, options)
}

async function copyBelow(api: Api, path: Path, directory: FileId, to: { parent: FileId; path: Path }, { onItsWay, passesOver }: CopyOptions): Promise<void> {
	for await (const rows of pages(PAGE_ROWS, (after, limit) => run(list(api.fs, directory, after, limit)))) {
		for (const [index, row] of rows.entries()) {
			if (index % NAMES_AT_ONCE === 0) await othersFirst()
			const name = Buffer.from(row.name)
			const from = { parent: directory, name }
			if (await passesOver?.(from)) continue
			try {
				await copyTree(api, joinPath(path, name), row, { place: { parent: to.parent, name }, path: joinPath(to.path, name) }, { onItsWay, passesOver })
			} catch (error) {
				// What somebody takes away meanwhile is none of it.
				if (!GONE.has(codeOf(error)) || (await holderOf(api, from)) === row.id) throw error
			}
			// Of a directory that gave way to another nobody knows how much was still there.
			const holder = row.kind === KIND.directory ? await holderOf(api, from) : undefined
			if (holder !== undefined && holder !== row.id) fail('ESTALE', 'what was being copied is gone')
		}
	}
}

async function holderOf({ fs }: Api, { parent, name }: Place): Promise<FileId | undefined> {
	return (await entries.lookup(fs.catalogue, parent, name))?.id
}

async function copyFile(api: Api, path: Path, mode: number, to: Target, options: CopyOptions): Promise<void> {
	const { fs, config } = api
	const { uid, gid } = config.api
	for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
		if (attempt > 1) await othersFirst()
		const located = await run(resolve(fs, path, { follow: false }))
		const { row } = located
		if (row?.kind !== KIND.regular) return fail('ENOENT')
		const content = await run(openLocated(fs, { ...located, row }))
		if (!content) continue
		try {
			// Whom it would run as was its owner's to say.
			const intake = { ...to, attributes: { mode: withoutSetId(mode, false), uid, gid }, bytes: content.size }
			const { exclusive, modified } = options
			return void (await store(fs, intake, allOf(fs, content), { ...madeWith(to, options), exclusive, modified, bytesExactly: content.size, copyOf: row.id }))
		} catch (error) {
			// What somebody has begun to write anew, or has replaced, is copied as it is by then.
			if (!(error instanceof Shortened || error instanceof Overwritten) && (codeOf(error) !== 'ESTALE' || attempt === ATTEMPTS_MAX)) throw error
		} finally {
			await run(closeContent(fs, content))
		}
	}
	return fail('EAGAIN', 'the file is changed all the time')
}

/** Not half of what it was and half of what somebody writes over it meanwhile. */
async function* allOf(fs: Filesystem, content: Content): AsyncGenerator<Buffer> {
	yield* readRange(fs, content, 0, content.size)
	if (!(await isAsOpened(fs, content))) throw new Overwritten()
}

class Overwritten extends Error {}

function madeWith({ path }: Target, { check, onItsWay }: CopyOptions): Made {
	return { check, classPath: onItsWay ? path : undefined }
}

async function targetOf({ fs }: Api, id: FileId): Promise<Buffer> {
	return Buffer.from((await files.target(fs.catalogue, id))?.target ?? fail('ENOENT'))
}

async function copyXattrs({ fs }: Api, from: FileId, to: FileId): Promise<void> {
	for (const name of await run(xattrNames(fs, from))) {
		const value = await run(findXattr(fs, from, name))
		if (value) await run(setXattr(fs, to, name, Buffer.from(value), { create: false, replace: false }))
	}
}
