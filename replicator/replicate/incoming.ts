/** Copies that are being made: what they are called on the node, and what becomes of those that a dead process left. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FileId, Path } from '../../core/ids.ts'
import { startOf } from '../../core/process-start.ts'

export const INCOMING = Buffer.from('.cairn/incoming')
/** A copy of this size that was interrupted goes on where it was. */
export const RESUMED_BYTES_MIN = 64 * 1024 ** 2

/** So that a block of the directory has a few dozen names: ext4 goes through half a block for each name that it makes, finds or takes away. */
const PLACE_DIGITS = 36

const TRAY = /^copies-/
const PART = /^part-(\d+)-(\d+)-([0-9a-f]{8})-(\d+)-(\d+)-/

export interface Part {
	id: FileId
	version: number
	/** Of the machine whose cache it may be in: after another boot nobody knows how much of it reached the disk. */
	boot: string
	pid: number
	/** When the process started, that tells it from another with its number. */
	started: string
}

/**
 * Where the copies of one portion wait for their names: a directory of its own, so that those who make copies and those who
 * take them away do not wait for each other.
 */
export interface Tray {
	/** Undefined until something is to be put there. */
	readonly path: Path | undefined
	/** A place that nobody else has. */
	next(): Path
	/** As many places that nobody else has, one after the other, and the number of the first. */
	take(many: number): { path: Path; first: number }
	/** Whether a place is in it: its name there is a number. */
	has(place: Path): boolean
	/** The same for the file itself: a large one says what it is and who makes it, so that another can go on. */
	nextFor(file: { id: FileId; version: number; size: number }): Path
}

export function newTray(): Tray {
	let path: Path | undefined
	let many = 0
	const take = (places: number) => {
		path ??= inIncoming(`copies-${randomUUID()}`)
		many += places
		return { path, first: many - places }
	}
	const next = () => {
		const place = take(1)
		return Buffer.from(`${place.path}/${placeName(place.first)}`)
	}
	return {
		get path() {
			return path
		},
		next,
		take,
		has: (place) => path !== undefined && place.length > path.length && place.compare(path, 0, path.length, 0, path.length) === 0,
		nextFor({ id, version, size }) {
			if (size < RESUMED_BYTES_MIN) return next()
			return inIncoming(`part-${id}-${version}-${boot()}-${process.pid}-${startOf(process.pid)}-${randomUUID()}`)
		},
	}
}

/** What a place is called in its tray. */
export function placeName(place: number): string {
	return `${place}`.padStart(PLACE_DIGITS, '0')
}

export function inIncoming(name: string): Path {
	return Buffer.from(`${INCOMING}/${name}`)
}

/** 'tray': what is in it is of no use to anybody when its maker is gone. Undefined: somebody else's. */
export function readName(name: string): 'tray' | Part | undefined {
	if (TRAY.test(name)) return 'tray'
	const [, id, version, madeBoot, pid, started] = PART.exec(name) ?? []
	if (id === undefined) return undefined
	return { id: Number(id), version: Number(version), boot: madeBoot, pid: Number(pid), started }
}

/** Its bytes are as they were written, and no other process goes on writing it. */
export function isResumable(part: Part): boolean {
	if (part.boot !== boot()) return false
	return part.pid === process.pid || startOf(part.pid) !== part.started
}

function boot(): string {
	return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8)
}
