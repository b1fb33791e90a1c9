/** Why a file is not here, in the protocol's word and in a line for people. */
import { DirectoryInTheWay } from '../folder/aside.ts'
import { NotADirectory } from '../folder/directory.ts'
import { BadPath } from '../names/archive-path.ts'
import { Broken, Refusal } from '../wire/failures.ts'
import { Mismatch } from './download.ts'

export interface Failure {
	error: 'mismatch' | 'no-space' | 'name' | 'io' | 'gone'
	text: string
}

/** This system cannot have a file of that name. */
const NAME_CODES = ['ENAMETOOLONG', 'EILSEQ', 'EINVAL']
const SPACE_CODES = ['ENOSPC', 'EDQUOT', 'EFBIG']

/** Undefined for what is no failure of a file: the run cannot go on, or a program is wrong. */
export function failureOf(error: unknown): Failure | undefined {
	if (!(error instanceof Error)) return undefined
	const { code, message, syscall } = error as NodeJS.ErrnoException
	if (error instanceof BadPath) return { error: 'name', text: `refused: ${message}` }
	if (error instanceof NotADirectory || error instanceof DirectoryInTheWay) return { error: 'io', text: `refused: ${message}` }
	if (error instanceof Mismatch) return { error: 'mismatch', text: message }
	if (error instanceof Broken || error instanceof Refusal) return { error: 'io', text: message }
	// Of some that systems answer Node does not know the name.
	if (typeof code !== 'string' || (syscall === undefined && !/^E[A-Z]+$/.test(code))) return undefined
	if (SPACE_CODES.includes(code)) return { error: 'no-space', text: 'the disk is full' }
	return { error: NAME_CODES.includes(code) ? 'name' : 'io', text: message }
}
