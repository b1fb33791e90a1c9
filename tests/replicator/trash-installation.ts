/** A tree whose removals are kept, and what tests of that ask again and again. */
import type { TestContext } from 'node:test'
import { KIND } from '../../core/catalogue/files.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import { below, folders } from '../../core/filesystem/trash-contents.ts'
import { at, type Installation, installation, now } from '../unit/installation.ts'

export const KEEPING = [{ name: 'default', pattern: '', copies: 1, trashDays: 7 }]

export async function keeping(test: TestContext, nodes = 1, classes = KEEPING): Promise<Installation> {
	return await installation(test, nodes, classes)
}

/** Every file in the trash, without its day. */
export async function keptPaths(fs: Filesystem): Promise<string[]> {
	const paths: string[] = []
	for (const folder of await folders(fs.catalogue)) {
		for await (const { row, path } of below(fs.catalogue, folder))
			if (row.kind !== KIND.directory) paths.push(path.toString().split('/').slice(2).join('/'))
	}
	return paths
}

/** Directories one in another; the last one's number. */
export function directories(fs: Filesystem, path: string, owner = { mode: 0o755, uid: 0, gid: 0 }): number {
	let parent = 1
	for (const name of path.split('/'))
		parent = (now(lookup(fs, parent, Buffer.from(name))) ?? now(makeDirectory(fs, at(name, parent), owner))).id
	return parent
}

export function today(): string {
	return new Date().toISOString().slice(0, 10)
}
