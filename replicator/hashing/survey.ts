/** What directories have in them, so that whoever walks them has little to do but compare. */
import { DT_DIR, DT_REG, eachName } from '../../core/nodes/listing.ts'
import { decodeInto, STAT_NUMBERS, statInto } from '../../core/nodes/stat.ts'
import { eachDirectory } from './directories.ts'
import { endText, putName, putNumber, putSeparator, startText } from './facts-text.ts'
import { type Directories, STAT, type Survey } from './packets.ts'

const numbers = new Float64Array(STAT_NUMBERS)

export function survey(root: number, directories: Directories): Array<Survey | undefined> {
	return eachDirectory(root, directories, (fd) => surveyOne(fd, directories.namesMax))
}

export function surveyOne(fd: number, namesMax: number): Survey | undefined {
	const files: string[] = []
	const directories: string[] = []
	const isWhole = eachName(fd, (name, length, kind) => {
		const isPlain = kind === DT_REG || kind === DT_DIR
		if (isPlain) (kind === DT_REG ? files : directories).push(name.toString('latin1', 0, length))
		return isPlain && files.length + directories.length <= namesMax
	})
	if (!isWhole) return undefined
	const facts = factsOf(fd, files.sort())
	return facts === undefined ? undefined : { facts, files: files.length, directories, isEarly: false }
}

/** One with several names is of interest though nothing has changed. */
function factsOf(fd: number, files: readonly string[]): string | undefined {
	startText()
	for (const file of files) {
		if (statInto(fd, putName(file)) === -1) return undefined
		decodeInto(numbers, 0)
		if (numbers[STAT.nlink] !== 1) return undefined
		putNumber(numbers[STAT.size])
		putSeparator(COMMA)
		putNumber(numbers[STAT.mtime])
		putSeparator(COMMA)
		putNumber(numbers[STAT.mtimeNs])
		putSeparator(SLASH)
	}
	return endText()
}

const COMMA = 0x2c
const SLASH = 0x2f
