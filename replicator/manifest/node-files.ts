/** Small files of our own on a node: written whole or not at all, read whole or not at all. */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { codeOf, fail } from '../../core/errors.ts'
import type { Node } from '../../core/nodes/node.ts'

const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600
const PIECE_BYTES = 1024 * 1024
const OWN = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

const INCOMING = '.cairn/incoming'

/** Another file of that name is replaced once this one is on the disk, and `mayTake` says that it may be. `kind` tells apart what dead processes leave. */
export async function writeOnNode(node: Node, path: string, kind: string, pieces: AsyncIterable<Buffer> | Iterable<Buffer>, mayTake: () => Promise<boolean> = always): Promise<number> {
	const { operations } = node
	const temporary = Buffer.from(`${INCOMING}/${kind}-${randomUUID()}`)
	await operations.makeDirectory(Buffer.from(INCOMING), { mode: DIRECTORY_MODE })
	const fd = await operations.create(temporary, { mode: FILE_MODE, ...OWN })
	let bytes = 0
	try {
		try {
			for await (const piece of pieces) bytes += await writePieces(node, fd, piece, bytes)
			await operations.sync(fd, false)
		} finally {
			await operations.close(fd)
		}
		await makeDirectoryOf(node, path)
		if (!(await mayTake())) fail('ECANCELED', 'another process looks after it now')
		await operations.rename(temporary, Buffer.from(path))
		return bytes
	} catch (error) {
		await operations.unlink(temporary)
		throw error
	}
}

const always = async () => true

/** Private, unlike the directories of the tree. */
async function makeDirectoryOf(node: Node, path: string): Promise<void> {
	const parts = path.split('/').slice(0, -1)
	for (let depth = 1; depth <= parts.length; depth++) {
		await node.operations.makeDirectory(Buffer.from(parts.slice(0, depth).join('/')), { mode: DIRECTORY_MODE })
	}
}

async function writePieces(node: Node, fd: number, data: Buffer, position: number): Promise<number> {
	for (let at = 0; at < data.length; ) {
		const piece = data.subarray(at, at + PIECE_BYTES)
		const written = await node.operations.write(fd, piece, position + at)
		if (written < piece.length) fail('ENOSPC')
		at += written
	}
	return data.length
}

/** What processes left that ended while they wrote. Whoever calls this is the only one that writes files of this kind here. */
export async function removeLeftovers(node: Node, kind: string): Promise<void> {
	for (const name of await listOnNode(node, INCOMING)) if (name.startsWith(`${kind}-`)) await removeOnNode(node, `${INCOMING}/${name}`)
}

/** Undefined when it is not there. */
export async function readOnNode(node: Node, path: string): Promise<Buffer | undefined> {
	const fd = await unlessGone(async () => node.operations.open(Buffer.from(path), constants.O_RDONLY))
	if (fd === undefined) return undefined
	try {
		const { size } = await node.operations.fstat(fd)
		const data = Buffer.alloc(size)
		let at = 0
		while (at < size) {
			const piece = data.subarray(at, at + PIECE_BYTES)
			const read = await node.operations.read(fd, piece, at)
			if (read === 0) break
			at += read
		}
		return data.subarray(0, at)
	} finally {
		await node.operations.close(fd)
	}
}

/** Names in a directory of ours; none when it is not there. */
export async function listOnNode(node: Node, path: string): Promise<string[]> {
	const entries = await unlessGone(async () => node.operations.list(Buffer.from(path)))
	return (entries ?? []).map(({ name }) => name.toString())
}

/** A file, or a directory with the files in it. */
export async function removeOnNode(node: Node, path: string): Promise<void> {
	try {
		await node.operations.unlink(Buffer.from(path))
	} catch (error) {
		if (codeOf(error) !== 'EISDIR') throw error
		for (const name of await listOnNode(node, path)) await removeOnNode(node, `${path}/${name}`)
		await node.operations.removeDirectory(Buffer.from(path))
	}
}

async function unlessGone<T>(act: () => Promise<T>): Promise<T | undefined> {
	try {
		return await act()
	} catch (error) {
		if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
		throw error
	}
}
