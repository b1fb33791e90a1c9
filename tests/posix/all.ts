/** Every family of cases, and how one of them is run. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { cases as attributes } from './attributes.ts'
import type { Cases } from './cases.ts'
import { cases as data } from './data.ts'
import { cases as directories } from './directories.ts'
import { cases as links } from './links.ts'
import { cases as locks } from './locks.ts'
import { cases as names } from './names.ts'
import { cases as openFiles } from './open-files.ts'
import { cases as permissions } from './permissions.ts'
import { cases as rename } from './rename.ts'
import { cases as xattrs } from './xattrs.ts'

export const families: Record<string, Cases> = {
	...{ names, attributes, links, rename, directories, data, permissions, xattrs, locks },
	'open files': openFiles,
}

/** What the portable driver is held to as well: [family, case]. */
export const BASIC: ReadonlySet<string> = new Set([
	'names: looking up: what is missing, what is no directory',
	'names: a name that was missing is there as soon as it is made, and gone as soon as it is removed',
	'names: mkdir, rmdir and unlink answer what POSIX says',
	'attributes: chmod sets every permission bit',
	'attributes: chown changes owner and group, together and apart',
	'links: a symlink is followed, dangles and loops as it should',
	'rename: a file moves within a directory and between two',
	'rename: the target is replaced',
	'rename: saving as editors do: write beside, sync, rename over, many times',
	'rename: a directory moves with all that is in it, back and forth',
	'directories: an empty directory lists nothing, and what is made after is there at the next listing',
	'directories: find and rm -r agree on a tree of some hundred entries',
	'data: content of many sizes comes back, through the same descriptor and a new one',
	'data: overlapping writes at odd offsets leave what a plain file would hold',
	'data: truncate cuts, and grows with zeroes, by path and by descriptor',
	'open files: O_EXCL refuses a name that is there, a symlink too',
	'open files: an unlinked file that is open is read, written, truncated and counts no links',
])

let rounds = 0

/** Runs one case in a new directory below `root`, which must be removable afterwards with all the case left in it. */
export async function runCase(root: string, family: string, name: string): Promise<void> {
	const dir = join(root, `case-${process.pid}-${++rounds}`)
	fs.mkdirSync(dir)
	try {
		await (families[family] as Cases)[name]?.(dir)
	} finally {
		process.chdir('/')
		removeWhole(dir)
	}
}

function removeWhole(dir: string): void {
	const { status, stderr } = spawnSync('rm', ['-rf', '--', dir], { encoding: 'utf8' })
	if (status !== 0 || fs.existsSync(dir)) throw new Error(`what a case left could not be removed: ${stderr}`)
}
