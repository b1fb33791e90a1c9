/**
 * New files of one directory, with one name each, as they came from the thread that read them: of a hundred thousand files an object each,
 * and what is done to collect it again, is a good part of a walk.
 */
import type { Value } from '../../core/catalogue/driver.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { NewReplica, PlainFiles } from '../../core/catalogue/walks.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { FileId, Name } from '../../core/ids.ts'
import { classOf, mayTakeLater, nodesForCopies, wantsCopies } from '../../core/placement/placement.ts'
import { type Gathered, hashAt, isRead, mayHaveXattrs, sizeOf, STAT, statAt, unpack } from '../hashing/packets.ts'
import type { Hashed } from '../hashing/hashing.ts'
import type { Ready } from './item.ts'
import { newItem } from './unknown.ts'
import type { Directory, Walking } from './walking.ts'

export interface Sheaf {
	directory: Directory
	gathered: Gathered
	/** Which of those gathered; ids follow each other in this order. */
	places: readonly number[]
	first: FileId
}

const PERMISSIONS = 0o7777

/** A file of which there is nothing to be said but its content, its mode and its times. */
export function isPlain({ numbers }: Gathered, at: number): boolean {
	return isRead(numbers, at) && numbers[statAt(at) + STAT.nlink] === 1 && !mayHaveXattrs(numbers, at)
}

export function nameIn({ names, ends }: Gathered, at: number): Name {
	const from = at === 0 ? 0 : ends[at - 1]
	return Buffer.from(names.buffer, names.byteOffset + from, ends[at] - from)
}

export function idsOf({ first, places }: Sheaf): FileId[] {
	return places.map((_, index) => first + index)
}

/** As of a file that is looked at by itself. */
export function itemsOf({ directory, gathered, places, first }: Sheaf): Ready[] {
	return places.map((at, index) => {
		const { hash, stat } = unpack(gathered, at) as Hashed
		return { ...newItem({ directory, name: nameIn(gathered, at), kind: KIND.regular }), id: first + index, stat, hash }
	})
}

interface PlacedSheaf {
	files: PlainFiles
	elsewhere: NewReplica[]
	/** As of a new file, of any of them. */
	isShort: boolean
}

/** Its rows, and the copies its files' classes ask of other nodes. */
export function placeSheaf({ fs, node }: Pick<Walking, 'fs' | 'node'>, { directory, gathered, places, first }: Sheaf): PlacedSheaf {
	const names = places.map((at) => nameIn(gathered, at))
	const rules = places.map((_, index) => classOf(fs, fs.classes.length === 1 ? directory.path : joinPath(directory.path, names[index])))
	const wanting = new Set([...new Set(rules)].filter((rule) => wantsCopies(fs, rule, [node.id])))
	const elsewhere: NewReplica[] = []
	let isShort = false
	for (let index = 0; wanting.size > 0 && index < places.length; index++) {
		if (!wanting.has(rules[index])) continue
		const others = nodesForCopies(fs, rules[index], [node.id], sizeOf(gathered.numbers, places[index]))
		for (const { id } of others) elsewhere.push({ file: first + index, node: id, version: 0, state: REPLICA.wanted })
		isShort ||= mayTakeLater(fs, rules[index], [node.id, ...others.map(({ id }) => id)])
	}
	const put: PlainFiles['put'] = (values, at, index) => putFile(values, at, gathered, places[index], rules[index].id)
	return { files: { parent: directory.id, first, many: places.length, name: (index) => names[index], put }, elsewhere, isShort }
}

/** Written out: this runs once for every new file. */
function putFile(values: Value[], at: number, { numbers, hashes }: Gathered, place: number, classId: number): void {
	const from = statAt(place)
	values[at] = numbers[from + STAT.mode] & PERMISSIONS
	values[at + 1] = numbers[from + STAT.uid]
	values[at + 2] = numbers[from + STAT.gid]
	values[at + 3] = numbers[from + STAT.size]
	values[at + 4] = numbers[from + STAT.blocks]
	values[at + 5] = numbers[from + STAT.atime]
	values[at + 6] = numbers[from + STAT.atimeNs]
	values[at + 7] = numbers[from + STAT.mtime]
	values[at + 8] = numbers[from + STAT.mtimeNs]
	values[at + 9] = numbers[from + STAT.ctime]
	values[at + 10] = numbers[from + STAT.ctimeNs]
	values[at + 11] = hashAt(hashes, place)
	values[at + 12] = classId
}
