/** What dead processes left among the copies that were being made. */
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { FileId, Path } from '../../core/ids.ts'
import { codeOf } from '../../core/errors.ts'
import { neededOn } from '../../core/filesystem/staged.ts'
import type { DirectoryEntry } from '../../core/nodes/node.ts'
import { run as drive } from '../../core/op.ts'
import type { Replicator } from '../replicator.ts'
import { INCOMING, inIncoming, isResumable, type Part, readName } from './incoming.ts'
import { look } from './look.ts'

/** Those of large files that can go on; the rest is removed. What the catalogue counts on is left to the intents that say so. */
export async function takeLeftovers(rep: Replicator): Promise<Map<FileId, { part: Part; path: Path }>> {
	const { fs, node } = rep
	const parts = new Map<FileId, { part: Part; path: Path }>()
	const names = await namesOf(rep)
	if (names.length === 0) return parts
	// A change that may have been made may count on what is here.
	await Promise.all(fs.undecided)
	const needed = await drive(neededOn(fs.catalogue, node.id))
	if (!needed) return parts
	for (const name of names) {
		const path = inIncoming(name)
		const read = readName(name)
		if (read === 'tray') await emptyTray(rep, path, needed)
		else if (read && !needed.has(path.toString('latin1'))) {
			if (!parts.has(read.id) && isResumable(read) && (await isWanted(rep, read))) parts.set(read.id, { part: read, path })
			else await node.operations.unlink(path)
		}
	}
	return parts
}

/** Whoever entered copies and died before they had their names left them here too. */
export async function hasLeftovers(rep: Replicator): Promise<boolean> {
	return (await namesOf(rep)).length > 0
}

async function namesOf(rep: Replicator): Promise<string[]> {
	return (await list(rep)).map(({ name }) => name.toString('latin1')).filter((name) => readName(name) !== undefined)
}

async function emptyTray({ node }: Replicator, tray: Path, needed: ReadonlySet<string>): Promise<void> {
	let isEmpty = true
	for (const { name } of await node.operations.list(tray)) {
		const path = Buffer.concat([tray, Buffer.from('/'), name])
		if (needed.has(path.toString('latin1'))) isEmpty = false
		else await node.operations.unlink(path)
	}
	if (isEmpty) await node.operations.removeDirectory(tray)
}

async function list({ node }: Replicator): Promise<DirectoryEntry[]> {
	try {
		return await node.operations.list(INCOMING)
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
		return []
	}
}

async function isWanted({ fs, node }: Replicator, { id, version }: Part): Promise<boolean> {
	const want = (await drive(look(fs.catalogue, node.id, [id]))).wants.get(id)
	return want !== undefined && want.own.state === REPLICA.wanted && want.file.version === version
}
