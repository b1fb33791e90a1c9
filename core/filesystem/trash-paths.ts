/**
 * Where removed files are kept: `.trash/<day>/<path they had>`. The day is the catalogue's, in UTC; `<day>+30` is of a mount
 * that says for itself how long. A name that is taken, or that looks as if it had been, gets `.~<number of the file>~`: nobody
 * else ever has that number, and it is taken off again when the file goes back.
 */
import type { FileId, Name, Path } from '../ids.ts'

export const TRASH: Name = Buffer.from('.trash')

const DAY_SECONDS = 86_400
const NAME_BYTES_MAX = 255
const SUFFIX = /\.~\d+~$/
const FOLDER = /^(\d{4}-\d\d-\d\d)(?:\+(\d{1,5}))?$/
const SLASH = 0x2f

export interface Folder {
	/** Since 1970. */
	day: number
	/** Kept for so many days; undefined: for as long as the class of each file says. */
	keepDays: number | undefined
}

/** Asked of every path there is: most differ in their first byte. */
export function isInTrash(path: Path): boolean {
	if (path[0] !== TRASH[0] || path.compare(TRASH, 0, TRASH.length, 0, Math.min(path.length, TRASH.length)) !== 0) return false
	return path.length === TRASH.length || path[TRASH.length] === SLASH
}

export function dayOf(seconds: number): number {
	return Math.floor(seconds / DAY_SECONDS)
}

export function folderName({ day, keepDays }: Folder): Name {
	const date = new Date(day * DAY_SECONDS * 1000).toISOString().slice(0, 10)
	return Buffer.from(keepDays === undefined ? date : `${date}+${keepDays}`)
}

/** Undefined of a name that is no day: somebody's own. */
export function readFolder(name: Uint8Array): Folder | undefined {
	const [, date, days] = FOLDER.exec(latin1(name)) ?? []
	const ms = Date.parse(`${date}T00:00:00Z`)
	return Number.isNaN(ms) ? undefined : { day: dayOf(ms / 1000), keepDays: days === undefined ? undefined : Number(days) }
}

/** Whether a name has to have its number in the trash even where it is free. */
export function looksNumbered(name: Name): boolean {
	return SUFFIX.test(latin1(name))
}

export function numbered(name: Name, id: FileId): Name {
	const suffix = Buffer.from(`.~${id}~`)
	return Buffer.concat([name.subarray(0, NAME_BYTES_MAX - suffix.length), suffix])
}

/** The name it had. */
export function withoutNumber(name: Uint8Array): Name {
	return Buffer.from(latin1(name).replace(SUFFIX, ''), 'latin1')
}

/** The path that something in the trash had; undefined of the trash and its days themselves. */
export function originalPath(path: Path): Path | undefined {
	if (!isInTrash(path)) return undefined
	const [, , ...names] = componentsOf(path)
	if (names.length === 0) return undefined
	return Buffer.from(names.map((name) => latin1(withoutNumber(name))).join('/'), 'latin1')
}

export function componentsOf(path: Path): Name[] {
	return latin1(path).split('/').filter((part) => part !== '').map((part) => Buffer.from(part, 'latin1'))
}

function latin1(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
