/** Runs in hands: a mapping that stays open from one call to the next. */
import { constants } from 'node:fs'
import { map, open } from '../support/libc.ts'
import { statOnly } from '../posix/cases.ts'

export function writeMapped(path: string): void {
	map(open(path, constants.O_RDWR), 4096).write(0, Buffer.from('written'))
}

/** Asked for alone: see `statOnly`. */
export const mtimeOf = (path: string): number => Number(statOnly(path, '%Y'))
