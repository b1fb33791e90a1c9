/**
 * Directories being read. The kernel goes on at the cookie of an entry and says nothing else about who reads: there is no
 * handle and no close. So every part given out gets a number of its own, which its cookies carry, and the names in it are
 * remembered: going on from any of them starts from a name and is right whatever came or went meanwhile.
 */
import type { NamedRow } from '../core/catalogue/entries.ts'
import { fail } from '../core/errors.ts'
import type { FileId, Name } from '../core/ids.ts'

/** `.` and `..` come before the first name; their cookies are 1 and 2. */
export const DOTS = 2
/** Of a part: a cookie is its number and the place in it. */
export const PART_ROWS_MAX = 1_024
/** Cookies stay below 2^31, for programs with 32-bit offsets. */
const PART_NUMBERS = 2 ** 21
const PARTS_MAX = 2_048
/** Names that were given out, each in a few bytes. */
const NAMES_MAX = 131_072
/** A row at hand is as large as so many of them. */
const ROW_NAMES = 8
/** Places where somebody stopped reading, to go on much later or never. */
const RESTING_MAX = 8_192

/** Where a listing goes on. */
export interface Place {
	directory: FileId
	/** After this name; empty at the beginning. */
	name: Uint8Array
	/** Rows that follow it, read and not yet given out. */
	ahead: readonly NamedRow[]
	/** Nothing follows these. */
	ended: boolean
	/** How many changes of others were known when this listing began. */
	begunAt: number
	/** The part at whose end it is. */
	follows?: number
	/** What followed it when it was given out. */
	known?: Known
}

/** Names with their cookies. */
interface Known {
	/** Of the first. */
	cookie: number
	names: readonly Uint8Array[]
}

export interface Listings {
	/** What a cookie of this directory stands for. EIO where that is forgotten: an end would be a lie. */
	place(directory: FileId, cookie: number): Place
	/** The cookie of the next entry to be given out; each that follows has one more. */
	firstCookie(): number
	/** Entries of these names were given out, and `next` is the place after them. */
	given(names: PackedNames, next: Place): void
	/** Somebody else changed a directory. */
	changed(): void
	/** Whether somebody did since this listing began. */
	isOld(place: Place): boolean
}

/** One piece of memory: a million small ones would stay for long after they are of no use. */
export interface PackedNames {
	bytes: Buffer
	/** Where each ends. */
	ends: readonly number[]
}

export function packNames(names: readonly Uint8Array[]): PackedNames {
	let end = 0
	return { bytes: Buffer.concat(names), ends: names.map((name) => (end += name.length)) }
}

/** The names at the cookies of a part, and the place after the last of them. */
interface Part extends Place, PackedNames {
	/** Somebody read on after the last name. */
	continued: boolean
	/** The part he was given. */
	next?: number
}

/**
 * Rows at a place, as far as they were given out there before, and the cookie of the first. Whoever goes back and forth, or opens
 * the directory for each part as a server of NFS does, would drive out with ever new cookies those that he has.
 */
export function givenBefore({ ahead, known }: Place): { rows: readonly NamedRow[]; cookie: number } | undefined {
	if (!known || ahead.length === 0) return undefined
	const { cookie, names } = known
	const other = ahead.findIndex(({ name }, index) => index >= names.length || Buffer.compare(name, names[index]) !== 0)
	if (other === 0) return undefined
	return { rows: other === -1 ? ahead : ahead.slice(0, other), cookie }
}

const BEGINNING: Name = Buffer.alloc(0)

export function createListings(): Listings {
	const parts = new Map<number, Part>()
	const resting = new Map<number, { cookie: number; place: Place }>()
	let size = 0
	let number = 1
	let changes = 0

	function keep(part: Part): void {
		parts.set(number, part)
		size += sizeOf(part)
		do number = (number % (PART_NUMBERS - 1)) + 1
		while (parts.has(number) || resting.has(number))
		while (size > NAMES_MAX || parts.size > PARTS_MAX) retire()
	}

	/** The oldest part; of one after which nobody read on, the end is kept. */
	function retire(): void {
		const [oldest, part] = parts.entries().next().value as [number, Part]
		parts.delete(oldest)
		size -= sizeOf(part)
		if (part.continued) return
		const cookie = oldest * PART_ROWS_MAX + part.ends.length - 1
		resting.set(oldest, { cookie, place: after(part, Buffer.from(part.name)) })
		if (resting.size > RESTING_MAX) resting.delete(resting.keys().next().value as number)
	}

	/** What was at hand goes to the first who reads on. */
	function end(part: Part, follows: number): Place {
		if (part.continued) return { ...after(part, part.name), follows, known: known(part.next, 0) }
		const { directory, name, ahead, ended, begunAt } = part
		size -= ahead.length * ROW_NAMES
		part.ahead = []
		part.continued = true
		return { directory, name, ahead, ended, begunAt, follows }
	}

	function known(from: number | undefined, index: number): Known | undefined {
		const part = from === undefined ? undefined : parts.get(from)
		return from === undefined || !part ? undefined : { cookie: from * PART_ROWS_MAX + index, names: namesFrom(part, index) }
	}

	return {
		place(directory, cookie) {
			if (cookie <= DOTS) return { directory, name: BEGINNING, ahead: [], ended: false, begunAt: changes }
			const from = Math.floor(cookie / PART_ROWS_MAX)
			const index = cookie % PART_ROWS_MAX
			const part = parts.get(from)
			if (part?.directory === directory && index < part.ends.length) {
				return index === part.ends.length - 1 ? end(part, from) : { ...after(part, nameAt(part, index)), known: known(from, index + 1) }
			}
			const rested = resting.get(from)
			if (rested?.cookie === cookie && rested.place.directory === directory) return rested.place
			return fail('EIO', 'a place in a directory that is forgotten')
		},
		firstCookie: () => number * PART_ROWS_MAX,
		given(names, next) {
			if (names.ends.length === 0) return
			const { directory, ahead, ended, begunAt, follows } = next
			const before = follows === undefined ? undefined : parts.get(follows)
			if (before) before.next = number
			keep({ directory, ahead, ended, begunAt, name: nameAt(names, names.ends.length - 1), ...names, continued: false, next: undefined })
		},
		changed() {
			changes++
		},
		isOld: ({ begunAt }) => begunAt !== changes,
	}
}

function sizeOf({ ends, ahead }: Part): number {
	return ends.length + ahead.length * ROW_NAMES
}

function nameAt({ bytes, ends }: PackedNames, index: number): Buffer {
	return bytes.subarray(index === 0 ? 0 : ends[index - 1], ends[index])
}

function namesFrom(part: PackedNames, index: number): Buffer[] {
	return part.ends.slice(index).map((_, i) => nameAt(part, index + i))
}

function after({ directory, begunAt }: Place, name: Uint8Array): Place {
	return { directory, name, ahead: [], ended: false, begunAt }
}
