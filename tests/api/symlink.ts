/** A symlink in the tree, as a mount beside the door would make it. */
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import { makeSymlink } from '../../core/filesystem/create.ts'
import { resolve } from '../../core/filesystem/resolve.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { run } from '../../core/op.ts'
import type { TestDoor } from './door.ts'

export async function symlinkInTree({ config }: TestDoor, path: string, target: string): Promise<void> {
	const catalogue = await openCatalogue(config)
	const fs = await run(startFilesystem({ config, catalogue, what: 'test', report: () => undefined }))
	const { place } = await run(resolve(fs, Buffer.from(path)))
	if (place) await run(makeSymlink(fs, place, Buffer.from(target), { uid: 0, gid: 0 }))
	await stopFilesystem(fs)
	await catalogue.close()
}
