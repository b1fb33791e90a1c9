/** Whole directories with their files read: what is new goes as a few flat arrays from the disk to the catalogue. */
import { codeOf } from '../../core/errors.ts'
import { close } from '../../core/libc.ts'
import { isLeftOpen } from '../../core/nodes/left-open.ts'
import { DT_DIR, DT_REG, eachName } from '../../core/nodes/listing.ts'
import { decodeStat, statInto } from '../../core/nodes/stat.ts'
import { hashQuietInto, openName, quietSince } from './content.ts'
import { eachDirectory } from './directories.ts'
import { type Directories, type Gathered, newGathered, packError, packTooLarge, sizeOf } from './packets.ts'

/** Of one request: the rest is read file by file, by all threads. */
const READ_BYTES_MAX = 64 * 1024 * 1024

/** Terminated. */
const name = Buffer.alloc(1024)

export function gather(root: number, directories: Directories): Array<Gathered | undefined> {
	let left = READ_BYTES_MAX
	return eachDirectory(root, directories, (fd) => {
		const gathered = list(fd, directories.namesMax)
		if (gathered) left -= read(fd, gathered, left)
		return gathered
	})
}

function list(fd: number, namesMax: number): Gathered | undefined {
	const files: string[] = []
	const others: Gathered['others'] = []
	const isWhole = eachName(fd, (name, length, kind) => {
		const text = name.toString('latin1', 0, length)
		// What is left of one that was removed is no file of the directory.
		if (kind === DT_REG && !isLeftOpen(name.subarray(0, length))) files.push(text)
		else others.push({ name: text, kind, stat: kind === DT_DIR && statInto(fd, name) === 0 ? decodeStat() : undefined })
		return files.length + others.length <= namesMax
	})
	return isWhole ? newGathered(files.sort(), others) : undefined
}

/** Their bytes, as many as may be read. */
function read(fd: number, gathered: Gathered, bytesMax: number): number {
	const { names, ends, numbers } = gathered
	const since = quietSince()
	let bytes = 0
	for (let at = 0, from = 0; at < ends.length; from = ends[at++]) {
		let length = 0
		while (from + length < ends[at]) name[length] = names[from + length++]
		name[length] = 0
		if (bytes >= bytesMax) packTooLarge(numbers, at)
		else bytes += readOne(fd, gathered, at, since)
	}
	return bytes
}

function readOne(directory: number, gathered: Gathered, at: number, since: number): number {
	const { numbers } = gathered
	try {
		const fd = openName(directory, name)
		try {
			hashQuietInto(gathered, at, fd, since)
		} finally {
			close(fd)
		}
	} catch (error) {
		packError(numbers, at, codeOf(error))
	}
	return sizeOf(numbers, at)
}
