/** What was kept aside, given up: the keeper says so. */
import * as conflicts from '../../core/catalogue/conflicts.ts'
import { KIND } from '../../core/catalogue/files.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import type { WalkedRow } from '../../core/catalogue/walks.ts'
import * as walks from '../../core/catalogue/walks.ts'
import * as writers from '../../core/catalogue/writers.ts'
import { codeOf, fail } from '../../core/errors.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { carryOut, intend } from '../../core/filesystem/intents.ts'
import type { Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { run as drive, wait } from '../../core/op.ts'
import { isSameTime, kindOfStat } from './compare.ts'
import type { Decision } from './keep.ts'
import { askOthers } from './others.ts'
import { directoryAt, splitPath } from './place.ts'

export async function dropAside({ fs, node, row }: Decision): Promise<void> {
	const aside = Buffer.from(row.aside as Uint8Array)
	const stat = await statIfThere(node, aside)
	if (stat && kindOfStat(stat) === KIND.directory) await removeTree(node, aside)
	const token = fs.nextToken++
	const unlink: Intent = { nodeId: node.id, op: 'unlink', path: aside, toPath: null, fileId: row.file_id, token }
	const made = await transact(fs, function* (tx) {
		conflicts.remove(tx, row.id)
		return stat && kindOfStat(stat) !== KIND.directory ? yield* intend(fs, tx, [unlink], true) : []
	})
	await drive(carryOut(fs, made))
}

async function statIfThere({ operations }: Node, path: Path): Promise<Stat | undefined> {
	try {
		return await operations.stat(path)
	} catch (error) {
		if (codeOf(error) === 'ENOENT') return undefined
		throw error
	}
}

async function removeTree({ operations }: Node, top: Path): Promise<void> {
	const levels = [{ path: top, names: await operations.list(top) }]
	for (let level = levels.at(-1); level; level = levels.at(-1)) {
		const next = level.names.pop()
		const path = next && Buffer.concat([level.path, Buffer.from('/'), next.name])
		if (!path) {
			await operations.removeDirectory(level.path)
			levels.pop()
		} else if (next.kind === KIND.directory) levels.push({ path, names: await operations.list(path) })
		else await operations.unlink(path)
	}
}

/** One that was left where it stood goes only if the tree has the file elsewhere. */
export async function dropInPlace(decision: Decision): Promise<void> {
	const { fs, node, row, hashing } = decision
	const path = Buffer.from(row.path)
	const { above, name } = splitPath(path)
	const parent = await drive(directoryAt(fs, above))
	const known = parent === undefined ? undefined : await fs.catalogue.get<WalkedRow>(...walks.oneQuery(node.id, parent, name))
	const stat = await statIfThere(node, path)
	// It is gone, or what it was, or no longer the tree's: there is nothing to decide any more.
	const isMoot = !stat || known?.id !== row.file_id || isSameTime(stat, known)
	if (isMoot) return await transact(fs, function* (tx) {
		conflicts.remove(tx, row.id)
	})
	const others = await askOthers({ fs, node, hashing }, known, path, false)
	if (others.seen.length === 0) fail('EBUSY', 'it is the only copy that can be seen: keep it, or bring another good copy back first')
	const token = fs.nextToken++
	const unlink: Intent = { nodeId: node.id, op: 'unlink', path, toPath: null, fileId: row.file_id, token }
	const made = await transact(fs, function* (tx) {
		yield* wait(tx.read(...walks.lockQueries([row.file_id], fs.capabilities)))
		const [[now], pins] = (yield* wait(tx.read(walks.oneQuery(node.id, parent as number, name), writers.ofFileQuery(row.file_id)))) as [WalkedRow[], unknown[]]
		if (pins.length > 0 || now?.id !== row.file_id || now.version !== known.version) fail('EBUSY', 'the file is being changed')
		conflicts.remove(tx, row.id)
		replicas.setLost(tx, row.file_id, node.id)
		return yield* intend(fs, tx, [unlink], true)
	})
	await drive(carryOut(fs, made))
}
