/** What directories have in them, so that whoever walks them has little to do but compare. */
import { DT_DIR, DT_REG, eachName } from '../../core/nodes/listing.ts'
import { decodeInto, STAT_NUMBERS, statInto } from '../../core/nodes/stat.ts'
import { eachDirectory } from './directories.ts'
import { type Directories, STAT, type Survey } from './packets.ts'

const numbers = new Float64Array(STAT_NUMBERS)

export function survey(root: number, directories: Directories): Array<Survey | undefined> {
	return eachDirectory(root, directories, (fd) => surveyOne(fd, directories.namesMax))
}

function surveyOne(fd: number, namesMax: number): Survey | undefined {
	const facts: string[] = []
	const directories: string[] = []
	let isPlain = true
	const isWhole = eachName(fd, (name, length, kind) => {
		if (kind === DT_DIR) directories.push(name.toString('latin1', 0, length))
		else if (kind === DT_REG && isSeen(fd, name)) facts.push(factOf(name.toString('latin1', 0, length)))
		else isPlain = false
		return isPlain && facts.length + directories.length <= namesMax
	})
	// By name: what is behind it begins with a byte that no name has.
	return isWhole ? { facts: facts.sort().join('/'), files: facts.length, directories } : undefined
}

/** One with several names is of interest though nothing has changed. */
function isSeen(fd: number, name: Uint8Array): boolean {
	if (statInto(fd, name) === -1) return false
	decodeInto(numbers, 0)
	return numbers[STAT.nlink] === 1
}

function factOf(name: string): string {
	return `${name}\0${numbers[STAT.size]},${numbers[STAT.mtime]},${numbers[STAT.mtimeNs]}`
}
