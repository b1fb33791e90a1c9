/** Files with several names on the node become one file of the tree with several names. Last of all, when every name was met. */
import { link } from '../../core/filesystem/links.ts'
import { codeOf } from '../../core/errors.ts'
import type { FileId } from '../../core/ids.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { run as drive } from '../../core/op.ts'
import { showPath } from '../../core/text.ts'
import { writeItems } from './batch.ts'
import { inodeOf } from './inodes.ts'
import { checkIdentity, statAll } from './look.ts'
import { directoryAt, splitPath } from './place.ts'
import { newItem, nextId } from './unknown.ts'
import type { Linked, Walking } from './walking.ts'
import { readXattrs } from './xattrs.ts'

/** No file has it. */
const UNKNOWN_ID = 0

/** `isWhole`: the walk saw the node from its first name to its last. */
export async function adoptLinked(walking: Walking, isWhole: boolean): Promise<void> {
	if (walking.linked.length === 0) return
	await checkIdentity(walking)
	for (const names of byInode(walking.linked).values()) {
		const known = walking.inodes.fileOf(names[0].stat)
		const isComplete = isWhole || known !== undefined || names.length >= names[0].stat.nlink
		for (const each of names) {
			if (walking.run.signal.aborted) return
			if (isComplete) await (walking.options.dryRun ? tellName(walking, each) : adoptName(walking, each))
			else walking.run.trouble(each.path, 'it has other names on the node that this walk did not come by; the next one tells')
		}
	}
}

function byInode(linked: readonly Linked[]): Map<string, Linked[]> {
	const groups = new Map<string, Linked[]>()
	for (const each of linked) {
		const key = inodeOf(each.stat)
		const group = groups.get(key)
		if (group) group.push(each)
		else groups.set(key, [each])
	}
	return groups
}

async function adoptName(walking: Walking, linked: Linked): Promise<void> {
	const { fs, run, inodes } = walking
	const { above, name } = splitPath(linked.path)
	const parent = await drive(directoryAt(fs, above))
	if (parent === undefined) return run.done('busy', 0)
	const id = inodes.fileOf(linked.stat)
	if (id !== undefined) return await addName(walking, linked, id, { parent, name })
	const made = await adoptFirst(walking, linked, { parent, name })
	if (made !== undefined) inodes.learn(linked.stat, made)
}

/** A dry run: the directory may be one that would be adopted too. */
function tellName({ node, run, inodes }: Walking, { path, stat }: Linked): void {
	const isFirst = inodes.fileOf(stat) === undefined
	if (isFirst) inodes.learn(stat, UNKNOWN_ID)
	run.note(`node ${node.name}: would adopt ${showPath(path)}${isFirst ? '' : ', another name of a file'}`)
	run.done(isFirst ? 'adopted' : 'linked', isFirst ? stat.size : 0)
}

async function adoptFirst(walking: Walking, { path, stat, hash }: Linked, { parent, name }: { parent: FileId; name: Buffer }): Promise<FileId | undefined> {
	const { watchman, fs, run } = walking
	const watch = watchman.open()
	try {
		await drive(watchman.look(fs.catalogue))
		const directory = { path: splitPath(path).above, id: parent, generation: watchman.generation(), onDisk: true, isNew: false }
		const id = await nextId(walking)
		const items = await readXattrs(walking, [{ ...newItem({ directory, name, kind: KIND.regular }), id, stat, hash, mayHaveXattrs: true }])
		if (items.length === 0) return undefined
		if ((await writeItems(walking, { items, watch })).length === 0) return id
		run.done('busy', 0)
	} finally {
		watch.end()
	}
}

async function addName(walking: Walking, { path, stat }: Linked, id: FileId, place: { parent: FileId; name: Buffer }): Promise<void> {
	const { fs, run } = walking
	const [now] = await statAll(walking, [path])
	if (!now || now instanceof Error || inodeOf(now) !== inodeOf(stat)) return run.done('busy', 0)
	try {
		await drive(link(fs, id, place))
		run.done('linked', 0)
	} catch (error) {
		run.trouble(path, `cannot become another name of its file: ${codeOf(error)}`)
	}
}
