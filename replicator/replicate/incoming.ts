/** Copies that are being made: what they are called on the node, and what becomes of those that a dead process left. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FileId, Path } from '../../core/ids.ts'

export const INCOMING = Buffer.from('.cairn/incoming')
/** A copy of this size that was interrupted goes on where it was. */
export const RESUMED_BYTES_MIN = 64 * 1024 ** 2

const WHOLE = /^copy-/
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

/** What no other process and no other copy has. Those of large files say what they are of, and who makes them. */
export function newAside({ id, version, size }: { id: FileId; version: number; size: number }): Path {
	const name =
		size < RESUMED_BYTES_MIN
			? `copy-${randomUUID()}`
			: `part-${id}-${version}-${boot()}-${process.pid}-${startOf(process.pid)}-${randomUUID()}`
	return inIncoming(name)
}

export function inIncoming(name: string): Path {
	return Buffer.from(`${INCOMING}/${name}`)
}

/** Where a further name of it waits for its place. */
export function furtherAside(): Path {
	return inIncoming(`copy-${randomUUID()}`)
}

/** 'copy': of no use to anybody when its maker is gone. Undefined: somebody else's. */
export function readName(name: string): 'copy' | Part | undefined {
	if (WHOLE.test(name)) return 'copy'
	const [, id, version, madeBoot, pid, started] = PART.exec(name) ?? []
	if (id === undefined) return undefined
	return { id: Number(id), version: Number(version), boot: madeBoot, pid: Number(pid), started }
}

/** Its bytes are as they were written, and nobody goes on writing it. */
export function isResumable(part: Part, isOwn: boolean): boolean {
	if (part.boot !== boot()) return false
	const isAlive = startOf(part.pid) === part.started
	return !isAlive || (isOwn && part.pid === process.pid)
}

function boot(): string {
	return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8)
}

/** In ticks since the boot; '' where there is no such process. */
function startOf(pid: number): string {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
		return fields[0] === 'Z' || fields[0] === 'X' ? '' : fields[19]
	} catch {
		return ''
	}
}
