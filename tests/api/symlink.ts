/** What a mount beside the door would do in the tree, links among it. */
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import { makeSymlink } from '../../core/filesystem/create.ts'
import { link } from '../../core/filesystem/links.ts'
import { locate, resolve } from '../../core/filesystem/resolve.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { type Op, run } from '../../core/op.ts'
import type { TestDoor } from './door.ts'

export async function inTree<T>({ config }: TestDoor, body: (fs: Filesystem) => Op<T>): Promise<T> {
	const catalogue = await openCatalogue(config)
	const fs = await run(startFilesystem({ config, catalogue, what: 'test', report: () => undefined }))
	const answer = await run(body(fs))
	await stopFilesystem(fs)
	await catalogue.close()
	return answer
}

export async function symlinkInTree(door: TestDoor, path: string, target: string): Promise<void> {
	await inTree(door, function* (fs) {
		const { place } = yield* resolve(fs, Buffer.from(path))
		if (place) yield* makeSymlink(fs, place, Buffer.from(target), { uid: 0, gid: 0 })
	})
}

/** `from` is there. */
export async function hardLinkInTree(door: TestDoor, path: string, from: string): Promise<void> {
	await inTree(door, function* (fs) {
		const { row } = yield* locate(fs, Buffer.from(from))
		const { place } = yield* resolve(fs, Buffer.from(path))
		if (place) yield* link(fs, row.id, place)
	})
}
