/** What the record speaks of, as plain files in another directory, each compared with its hash on the way. Needs no server. */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { relative, resolve } from 'node:path'
import { EXIT, Ending } from '../exit-codes.ts'
import { standing } from '../folder/aside.ts'
import { openDirectory } from '../folder/directory.ts'
import { type Folder, namesAt } from '../folder/folder.ts'
import { eachPart, isThere, isUnreadable, type LocalFile, openLocal } from '../folder/local-file.ts'
import { findSpot, type Ground, type Spot } from '../folder/spot.ts'
import { type Names, namesOf } from '../names/archive-path.ts'
import type { Held } from '../record/held.ts'
import { shown } from '../wire/answers.ts'
import type { Watcher } from '../screen/watcher.ts'

const PARTIAL = '.cairn-restore-partial'

export interface Restored {
	files: number
	left: number
}

export async function restore(folder: Folder, watcher: Watcher, { to, path }: { to: string; path?: string }): Promise<Restored> {
	const ground = openTarget(folder, to)
	const prefix = path === undefined ? '' : path.replace(/^\/+|\/+$/g, '')
	const count = { files: 0, left: 0 }
	watcher.title('restore')
	for (const held of folder.holdings.all()) {
		if (!isBelow(held.path, Buffer.from(prefix).toString('latin1'))) continue
		watcher.expected(1, held.size)
		const why = await restoreOne(folder, ground, held)
		watcher.moved(held.size)
		watcher.done()
		if (why === undefined) count.files++
		else {
			count.left++
			watcher.trouble(shown(Buffer.from(held.path, 'latin1')), why)
		}
	}
	await ground.root.sync()
	if (count.files + count.left === 0) throw nothingKnown(path)
	return count
}

/** Who restores expects something. */
function nothingKnown(path: string | undefined): Ending {
	if (path !== undefined) return new Ending(EXIT.usage, `-p ${path}: the record speaks of nothing there`)
	return new Ending(EXIT.folder, 'the record of this folder speaks of no file; if there are copies, -a walk makes it again')
}

function openTarget(folder: Folder, to: string): Ground {
	fs.mkdirSync(to, { recursive: true })
	const inside = relative(fs.realpathSync.native(folder.path), fs.realpathSync.native(resolve(to)))
	if (!inside.startsWith('..') && !/^([A-Za-z]:|[\\/])/.test(inside)) {
		throw new Ending(EXIT.usage, `--to ${to} is within the folder; restore to another place`)
	}
	const root = openDirectory(to)
	return { root, platform: namesAt(root, PARTIAL, folder.platform), stored: folder.stored }
}

function isBelow(path: string, prefix: string): boolean {
	return prefix === '' || path === prefix || path.startsWith(`${prefix}/`)
}

/** What is in the way, if it cannot be done. */
async function restoreOne(folder: Folder, ground: Ground, held: Held): Promise<string | undefined> {
	try {
		const names = namesOf(Buffer.from(held.path, 'latin1'), folder.platform)
		const target = findSpot(ground, names, true) as Spot
		try {
			if (await isThere(target, held)) return undefined
			if (fs.lstatSync(target.directory.at(target.name), { throwIfNoEntry: false }) !== undefined) return 'something else stands there'
			return await copyRight(folder, names, { target, held })
		} finally {
			target.close()
		}
	} catch (error) {
		return (error as Error).message
	}
}

/** From the file itself, or from one set aside, whichever has the hash. */
async function copyRight(folder: Folder, names: Names, { target, held }: { target: Spot; held: Held }): Promise<string | undefined> {
	const source = findSpot(folder, names, false)
	if (source === undefined) return 'is missing'
	let why = 'is missing, or not what it was'
	try {
		for (const name of standing(source)) {
			try {
				if (await copyIfRight({ directory: source.directory, name }, target, held)) return undefined
			} catch (error) {
				if (!isUnreadable(error)) throw error
				why = (error as Error).message
			}
		}
		return why
	} finally {
		source.close()
	}
}

async function copyIfRight(from: Pick<Spot, 'directory' | 'name'>, { directory, name }: Spot, held: Held): Promise<boolean> {
	const file = openLocal(from)
	if (file === undefined) return false
	const partial = directory.at(Buffer.from(PARTIAL))
	let isDone = false
	try {
		if (file.size !== held.size || !(await copyTo(partial, file, held))) return false
		fs.renameSync(partial, directory.at(name))
		isDone = true
		return true
	} finally {
		file.close()
		// It would take the room of those that follow.
		if (!isDone) fs.rmSync(partial, { force: true })
	}
}

/** Whether it was what it should be. */
async function copyTo(partial: Buffer | string, file: LocalFile, { size, hash }: Held): Promise<boolean> {
	const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW = 0 } = fs.constants
	const fd = fs.openSync(partial, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o644)
	try {
		const found = createHash('sha256')
		await eachPart(file.fd, size, (part) => {
			found.update(part)
			for (let done = 0; done < part.length; ) done += fs.writeSync(fd, part, done)
		})
		if (found.digest('hex') !== hash) return false
		const { atimeMs, mtimeMs } = fs.fstatSync(file.fd)
		fs.futimesSync(fd, atimeMs / 1000, mtimeMs / 1000)
		fs.fsyncSync(fd)
	} finally {
		fs.closeSync(fd)
	}
	return true
}
