/** The directories above a file in the trash: those of its own path once more, with the same owners and modes. */
import * as changes from '../catalogue/changes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import * as xattrs from '../catalogue/xattrs.ts'
import type { Time } from '../clock.ts'
import { type FileId, type Name, type Path, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { joinPath } from './directories.ts'
import type { Expected } from './expected.ts'
import type { Filesystem } from './filesystem.ts'
import { looksNumbered, numbered, TRASH } from './trash-paths.ts'

/** The trash and its days may be gone through by whoever knows where his file is, and listed by the tree's owner only. */
const OWN_MODE = 0o711

interface Step {
	name: Name
	/** The directory it is like; undefined: the trash, or one of its days. */
	like: FileId | undefined
}

export interface Way {
	/** The last directory that is there. */
	found: FileId
	missing: Step[]
	/** Of the last one. */
	path: Path
}

/** As far as it is there already. The last one found is locked: nobody else makes what is missing in it. */
export function* findWay(fs: Filesystem, tx: Transaction, { folder, directory, formerly }: { folder: Name; directory: FileId; formerly?: Expected['formerly'] }): Op<Way> {
	const steps = [{ name: TRASH, like: undefined }, { name: folder, like: undefined }, ...(yield* stepsTo(fs, tx, directory, formerly))]
	let found: FileId = ROOT_ID
	let path: Path = Buffer.alloc(0)
	const missing: Step[] = []
	for (const step of steps) {
		const next = missing.length > 0 ? { step: plain(step), id: undefined } : yield* lookFor(fs, tx, found, step)
		if (next.id === undefined) missing.push(next.step)
		else found = next.id
		path = joinPath(path, next.step.name)
	}
	return { found, missing, path }
}

/** The directories from the root down to that one. */
function* stepsTo(fs: Filesystem, tx: Transaction, directory: FileId, formerly?: Expected['formerly']): Op<Step[]> {
	const ids = (yield* fs.directories.ancestors(tx, directory)).filter((id) => id !== ROOT_ID).reverse()
	const moved = formerly ? ids.indexOf(formerly.id) : -1
	const steps = formerly && moved !== -1 ? [...(yield* stepsTo(fs, tx, formerly.place.parent)), { name: formerly.place.name, like: formerly.id }] : []
	for (const id of ids.slice(moved + 1)) {
		const path = yield* fs.directories.path(tx, id)
		steps.push({ name: Buffer.from(path.subarray(path.lastIndexOf('/') + 1)), like: id })
	}
	return steps
}

function plain(step: Step): Step {
	return step.like !== undefined && looksNumbered(step.name) ? { ...step, name: numbered(step.name, step.like) } : step
}

/** The directory of that name, or the name it is to get: something else may have it. */
function* lookFor(fs: Filesystem, tx: Transaction, parent: FileId, step: Step): Op<{ step: Step; id?: FileId }> {
	const { forUpdate } = fs.capabilities
	const wanted = plain(step)
	const other = step.like === undefined ? wanted : { ...step, name: numbered(step.name, step.like) }
	for (const choice of [wanted, other]) {
		let [[row]] = (yield* wait(tx.read(entries.lookupQuery(parent, choice.name)))) as [FileRow[]]
		if (!row && forUpdate !== '') {
			const answers = yield* wait(tx.read(files.findQuery(parent, forUpdate), entries.lookupQuery(parent, choice.name, forUpdate)))
			row = (answers as FileRow[][])[1][0]
		}
		if (!row) return { step: choice }
		if (row.kind === KIND.directory) return { step: choice, id: row.id }
	}
	return { step: other }
}

/** Makes what is missing; returns the last directory. */
export function enterWay(fs: Filesystem, tx: Transaction, way: Way, ids: readonly FileId[], time: Time): FileId {
	let parent = way.found
	for (const [index, { name, like }] of way.missing.entries()) {
		const id = ids[index]
		files.insertDirectoryLike(tx, { id, like: like ?? ROOT_ID, mode: like === undefined ? OWN_MODE : undefined, now: time })
		if (like !== undefined) xattrs.copyAll(tx, like, id)
		entries.insert(tx, parent, name, id)
		files.touchDirectory(tx, parent, time, 1)
		changes.insert(tx, fs.client, { op: 'mkdir', parent, name, file: id }, fs.capabilities)
		parent = id
	}
	return parent
}
