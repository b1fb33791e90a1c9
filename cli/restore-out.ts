/** Takes what a site sent out of the tree, into a plain directory of this machine. */
import { createHash } from 'node:crypto'
import { closeSync, constants, createReadStream } from 'node:fs'
import { link, lstat, mkdir, open, rm } from 'node:fs/promises'
import type { OrderRow } from '../core/catalogue/backup-orders.ts'
import { codeOf } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { namesOfPath } from '../core/filesystem/resolve.ts'
import type { Path } from '../core/ids.ts'
import { eachPiece, openSettled } from '../core/off-site/content.ts'
import { findScratch } from '../core/off-site/upload.ts'
import { run } from '../core/op.ts'
import { openPart } from './part.ts'

/** Under a name that nobody else has first, as the same command may be at it twice: what has its name is whole. What is there already is not touched. */
export async function takeOut(fs: Filesystem, order: OrderRow, directory: string): Promise<void> {
	const scratch = await run(findScratch(fs, order.id))
	if (!scratch) throw new Error('what came back is gone')
	const { above, name } = await prepare(Buffer.from(directory), Buffer.from(order.to_path as Uint8Array))
	const target = Buffer.concat([above, SLASH, name])
	const { path: part, fd } = openPart(above, { before: Buffer.from(`.cairn-${order.id}-`), after: '' })
	try {
		await copy(fs, { id: scratch.row.id, version: scratch.row.version, size: order.size }, part, order)
		await link(part, target)
	} catch (error) {
		if (codeOf(error) !== 'EEXIST') throw error
		// The same command was at it before, or is.
		if (!(await isSame(part, target))) throw new Error('there is something of that name already')
	} finally {
		await rm(part, { force: true })
		closeSync(fd)
	}
}

async function copy(fs: Filesystem, { id, version, size }: { id: number; version: number; size: number }, to: Buffer, { mode, mtime, mtime_ns }: OrderRow): Promise<void> {
	const content = await run(openSettled(fs, id, version))
	try {
		const file = await open(to, constants.O_WRONLY | constants.O_NOFOLLOW)
		try {
			const pair = [Buffer.allocUnsafeSlow(COPIED_BYTES), Buffer.allocUnsafeSlow(COPIED_BYTES)] as const
			await eachPiece(content, { from: 0, to: size }, pair, (piece) => file.writeFile(piece))
			await file.chmod(mode & 0o777)
			const at = mtime + mtime_ns / 1e9
			await file.utimes(at, at)
			await file.sync()
		} finally {
			await file.close()
		}
	} finally {
		await run(content.close())
	}
}

async function isSame(one: Buffer, other: Buffer): Promise<boolean> {
	const [mine, there] = [await lstat(one), await lstat(other)]
	return there.isFile() && there.size === mine.size && (await hashOf(one)).equals(await hashOf(other))
}

async function hashOf(path: Buffer): Promise<Buffer> {
	const hash = createHash('sha256')
	for await (const piece of createReadStream(path, { highWaterMark: COPIED_BYTES })) hash.update(piece)
	return hash.digest()
}

/** Where the path ends below the directory, with what is missing above it; none of it through a symlink. */
async function prepare(directory: Buffer, path: Path): Promise<{ above: Buffer; name: Buffer }> {
	await mkdir(directory, { recursive: true })
	const names = namesOfPath(path)
	let at = directory
	for (const name of names.slice(0, -1)) {
		at = Buffer.concat([at, SLASH, name])
		await mkdir(at).catch((error: Error) => {
			if (codeOf(error) !== 'EEXIST') throw error
		})
		const handle = await open(at, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
		await handle.close()
	}
	return { above: at, name: names[names.length - 1] }
}

const COPIED_BYTES = 512 * 1024
const SLASH = Buffer.from('/')
