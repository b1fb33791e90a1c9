/** Plain files by the node they are read on, and their copies. */
import type { FileId, Path } from '../../core/ids.ts'
import { placeName, type Tray } from './incoming.ts'
import { encodePath, treeOf } from './messages.ts'
import { hashesOf } from './packets.ts'
import { numbersOf, type Plain } from './plain-facts.ts'
import type { Asked } from './plain-look.ts'
import type { Round } from './round.ts'
import type { Source } from './sources.ts'

/** A copy that waits beside the tree. */
export interface MadePlain {
	plain: Plain
	/** Where it is to come; a character for each byte. */
	path: string
	aside: Path
	ino: number
	hash: string
}

export interface Group {
	source: Source
	plains: Plain[]
	/** One for each, as above. */
	paths: string[]
}

/** Those that can be read on a disk of this machine. */
export async function groupsOf(round: Round, { plains, directories }: Asked): Promise<Group[]> {
	const above = new Map<FileId, string>()
	for (const [id, { path }] of directories) above.set(id, path.length === 0 ? '' : `${encodePath(path)}/`)
	const groups = new Map<string, Group | undefined>()
	for (const plain of plains) {
		const { holders, parent, name } = plain
		if (!groups.has(holders)) {
			const source = round.sources.hereAmong(holders.split(' ').map(Number))
			groups.set(holders, source && { source, plains: [], paths: [] })
		}
		const group = groups.get(holders)
		const directory = above.get(parent)
		if (!group || directory === undefined) continue
		group.plains.push(plain)
		group.paths.push(directory + name)
	}
	return await Promise.all([...groups.values()].flatMap((group) => (group ? withoutStanding(round, group) : [])))
}

/** What was decided about a path on the source, and is not carried out there, may have made another file of it. */
async function withoutStanding(round: Round, { source, plains, paths }: Group): Promise<Group> {
	const standing = await round.sources.standingOn(source.id)
	const isFree = paths.map((path) => !standing.isInTheWay(Buffer.from(path, 'latin1')))
	return { source, plains: plains.filter((_, index) => isFree[index]), paths: paths.filter((_, index) => isFree[index]) }
}

/** Those copies that are what they should be. */
export async function copyGroup(round: Round, { source, plains, paths }: Group, tray: Tray): Promise<MadePlain[]> {
	if (plains.length === 0) return []
	const { rep, threads, pace, load } = round
	const { path, first } = tray.take(plains.length)
	const message = {
		from: treeOf(source.node),
		to: treeOf(rep.node),
		tray: encodePath(path),
		paths: paths.map((each) => `${each}\0`).join(''),
		numbers: numbersOf(plains, first),
		isSynced: false,
	}
	load.set(source.id, (load.get(source.id) ?? 0) + 1)
	const answers = await threads.copySmall(message, { pace: pace && ((bytes) => pace(bytes, rep.run.signal)) })
	load.set(source.id, (load.get(source.id) ?? 1) - 1)
	const made: MadePlain[] = []
	for (const [index, hash] of hashesOf(answers).entries()) {
		const plain = plains[index]
		const aside = Buffer.from(`${path}/${placeName(first + index)}`)
		const isGood = hash !== undefined && (plain.hash === '' || plain.hash === hash)
		if (isGood) made.push({ plain, path: paths[index], aside, ino: answers.inos[index], hash })
		else await rep.node.operations.unlink(aside)
	}
	return made
}
