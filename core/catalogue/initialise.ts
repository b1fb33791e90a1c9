/** What a new catalogue holds: its schema, the root directory, the configured classes. Doing it again changes nothing. */
import type { Time } from '../clock.ts'
import type { ClassConfig } from '../config/types.ts'
import { codeOf } from '../errors.ts'
import { ROOT_ID } from '../ids.ts'
import { wait } from '../op.ts'
import * as classes from './classes.ts'
import type { Driver } from './driver.ts'
import * as files from './files.ts'
import { migrate } from './migrate.ts'
import * as touched from './stat-touched.ts'

const ROOT_MODE = 0o755
/** What other directories of the tree have. */
const ROOT_BYTES = 4096

export interface NewTree {
	owner: { uid: number; gid: number }
	classes: readonly ClassConfig[]
	now: Time
}

export interface Initialised {
	from: number
	to: number
	/** False when the tree was there already. */
	made: boolean
}

export async function initialise(driver: Driver, tree: NewTree): Promise<Initialised> {
	const { from, to } = await migrate(driver)
	return { from, to, made: await makeTree(driver, tree) }
}

/** False when it was there already. */
export async function makeTree(driver: Driver, tree: NewTree): Promise<boolean> {
	try {
		return await driver.transaction(function* (tx) {
			if (yield* wait(tx.get(...files.findQuery(ROOT_ID)))) return false
			files.insert(tx, rootDirectory(tree))
			touched.add(tx, ROOT_ID)
			yield* classes.apply(tx, tree.classes)
			return true
		})
	} catch (error) {
		// Of two that start at once the other was first.
		if (codeOf(error) !== 'EEXIST') throw error
		return false
	}
}

function rootDirectory({ owner, now }: NewTree): files.FileRow {
	return {
		id: ROOT_ID,
		kind: files.KIND.directory,
		mode: ROOT_MODE,
		uid: owner.uid,
		gid: owner.gid,
		rdev: 0,
		nlink: 2,
		size: ROOT_BYTES,
		blocks: 0,
		atime: now.s,
		atime_ns: now.ns,
		mtime: now.s,
		mtime_ns: now.ns,
		ctime: now.s,
		ctime_ns: now.ns,
		version: 1,
		class_id: 0,
		flags: 0,
	}
}
