/**
 * A file beside the catalogue, `-held`: the statements of changes that were answered and are not committed yet (held.ts). Who holds changes writes
 * them into it as shared memory, as SQLite writes its index. What is in it outlives the process that wrote it, not a restart of the machine: then
 * the kernel's memory is gone, and with it what was not synced, as the end of SQLite's own log is.
 *
 * A header, and records behind each other from RECORDS_AT on. A record counts if its batch is the one in the header and its sum is right;
 * one that was cut short had not been answered. Numbers are little endian.
 *
 *     header   batch, batch that was committed (the same: nothing is held), wanted, the boot it belongs to; how often the disk has refused
 *              SQLite's log, and how many of these times it was written again after (write-ahead-log.ts)
 *     record   bytes of the body, its CRC, batch; body: statements
 *     statement  number of its text, the text if it is the first with that number; how many values; values
 */
import { closeSync, copyFileSync, fchmodSync, fchownSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync, realpathSync, statSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { Query, Value } from './driver.ts'

const HEADER_BYTES = 64
const BATCH_AT = 0
const COMMITTED_AT = 4
const WANTED_AT = 8
const BOOT_AT = 12
const BOOT_BYTES = 36
/** What comes behind it is not the batch's. */
const REFUSED_AT = BOOT_AT + BOOT_BYTES
const WRITTEN_AGAIN_AT = REFUSED_AT + 4
const RECORDS_AT = HEADER_BYTES
const RECORD_HEAD_BYTES = 12
/** More than this is better committed. */
const RECORD_BYTES_MAX = 64 * 1024
const RECORDS_BYTES_MAX = 1024 * 1024
const TEXTS_MAX = 0xffff
const VALUES_MAX = 0xff
const TAG = { null: 0, number: 1, text: 2, bytes: 3, integer: 4 } as const
/** Shorter ones are quicker copied byte by byte than handed over. */
const BYTES_BY_HAND_MAX = 64

export interface HeldLog {
	/** Which batch is held, by whomever; 0: none. */
	batch(): number
	/** Somebody waits for the holder to commit. */
	isWanted(): boolean
	want(): void
	/** From now on this batch is held, and what `append` writes is of it. Only with the catalogue's write lock. */
	begin(batch: number): void
	/** Whether changes can be written here at all. */
	readonly takes: boolean
	/** One answered change. False where it has no room here: then it must be committed before it is answered. */
	append(statements: readonly Query[]): boolean
	/** This batch is held no more. It may be said late, when the lock is another's and he holds the next. */
	committed(batch: number): void
	/** What is held, in order: of a batch that this machine has begun since it was started. */
	statements(): Query[]
	/** How often the disk has refused SQLite's log, whoever asked it; 0 where the log was written again since. */
	refused(): number
	refuse(): void
	writtenAgain(refused: number): void
	/** A copy is kept; its path. */
	setAside(): string
	close(): void
}

/** All of the file as shared memory, for as long as this process lasts; throws where there is no room for it. */
export type MapFile = (fd: number, bytes: number) => ArrayBuffer

/** Undefined where this process may not write it: then it neither holds changes nor knows of any. Without `map` it only knows of them. */
export function openHeldLog(database: string, map?: MapFile): HeldLog | undefined {
	// Beside the file itself, as SQLite's own are: whoever comes by a symlink has to find the same one.
	const path = `${realpathSync(database)}-held`
	const fd = openBeside(path, database)
	if (fd === undefined) return undefined
	const memory = map && mapped(map, fd)
	const words = memory && new Uint32Array(memory)
	const into = memory && writer(memory)
	const header = Buffer.alloc(HEADER_BYTES)
	let texts = new Map<string, number>()
	let batch = 0
	let end = RECORDS_AT

	function word(at: number): number {
		if (words) return words[at / 4]
		readSync(fd as number, header, 0, HEADER_BYTES, 0)
		return header.readUInt32LE(at)
	}

	function setWord(at: number, value: number): void {
		const bytes = Buffer.alloc(4)
		bytes.writeUInt32LE(value)
		writeSync(fd as number, bytes, 0, bytes.length, at)
	}

	function append(statements: readonly Query[]): boolean {
		if (!into) return false
		const to = encode(into, end, statements, texts)
		if (to === 0) return false
		const bodyAt = end + RECORD_HEAD_BYTES
		into.view.setUint32(end, to - bodyAt, true)
		into.view.setUint32(end + 4, crc32(into.bytes.subarray(bodyAt, to)), true)
		into.view.setUint32(end + 8, batch, true)
		end = to
		return true
	}

	function held(): number {
		const number = word(BATCH_AT)
		return number === word(COMMITTED_AT) ? 0 : number
	}

	const committed = (number: number) => setWord(COMMITTED_AT, number)

	return {
		batch: held,
		isWanted: () => word(WANTED_AT) !== 0,
		want: () => setWord(WANTED_AT, 1),
		begin(number) {
			batch = number
			end = RECORDS_AT
			texts = new Map()
			const start = Buffer.alloc(REFUSED_AT)
			start.writeUInt32LE(batch, BATCH_AT)
			start.write(bootId(), BOOT_AT, 'latin1')
			writeSync(fd, start, 0, start.length, 0)
		},
		takes: into !== undefined,
		append,
		committed,
		statements() {
			const all = Buffer.alloc(RECORDS_BYTES_MAX)
			const whole = all.subarray(0, readSync(fd, all, 0, all.length, 0))
			if (whole.toString('latin1', BOOT_AT, BOOT_AT + BOOT_BYTES) !== bootId()) return []
			return decode(whole, whole.readUInt32LE(BATCH_AT))
		},
		refused() {
			const number = word(REFUSED_AT)
			return number === word(WRITTEN_AGAIN_AT) ? 0 : number
		},
		refuse: () => setWord(REFUSED_AT, following(word(REFUSED_AT))),
		writtenAgain: (number) => setWord(WRITTEN_AGAIN_AT, number),
		setAside() {
			const aside = `${path}.${Date.now()}`
			copyFileSync(path, aside)
			return aside
		},
		close: () => closeSync(fd),
	}
}

/** Never 0 again. */
function following(count: number): number {
	return count === 0xffff_ffff ? 1 : count + 1
}

/** Of the same owner and mode as the catalogue, as SQLite makes its own files: names and owners of all files are in it. */
function openBeside(path: string, database: string): number | undefined {
	try {
		const { mode, uid, gid } = statSync(database)
		const fd = openSync(path, 'a+', mode & 0o777)
		closeSync(fd)
		return sized(openSync(path, 'r+'), { mode, uid, gid })
	} catch {
		return undefined
	}
}

/** Two that make it at once do the same to it. */
function sized(fd: number, { mode, uid, gid }: { mode: number; uid: number; gid: number }): number {
	const is = fstatSync(fd)
	if (is.size < HEADER_BYTES) ftruncateSync(fd, HEADER_BYTES)
	if (is.uid !== uid || is.gid !== gid) fchownSync(fd, uid, gid)
	if ((is.mode & 0o777) !== (mode & 0o777)) fchmodSync(fd, mode & 0o777)
	return fd
}

let boot: string | undefined
function bootId(): string {
	boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim().padEnd(BOOT_BYTES).slice(0, BOOT_BYTES)
	return boot
}

function mapped(map: MapFile, fd: number): ArrayBuffer | undefined {
	try {
		return map(fd, RECORDS_BYTES_MAX)
	} catch {
		return undefined
	}
}

interface Writer {
	bytes: Buffer
	view: DataView
}

function writer(memory: ArrayBuffer): Writer {
	return { bytes: Buffer.from(memory), view: new DataView(memory) }
}

/** Where the record ends that begins at `start`; 0 where it is too large, and then `texts` may have numbers that nobody wrote down. */
function encode(into: Writer, start: number, statements: readonly Query[], texts: Map<string, number>): number {
	const end = Math.min(RECORDS_BYTES_MAX, start + RECORD_HEAD_BYTES + RECORD_BYTES_MAX)
	const { bytes, view } = into
	let at = start + RECORD_HEAD_BYTES
	for (const [sql, params] of statements) {
		const count = params.length
		if (count > VALUES_MAX || at + 3 > end) return 0
		let number = texts.get(sql)
		if (number === undefined) {
			number = texts.size
			if (number >= TEXTS_MAX || at + 7 + sql.length * 3 > end) return 0
			texts.set(sql, number)
			const length = bytes.write(sql, at + 6)
			view.setUint32(at + 2, length, true)
			view.setUint16(at, number, true)
			at += 6 + length
		} else {
			view.setUint16(at, number, true)
			at += 2
		}
		bytes[at++] = count
		for (let i = 0; i < count; i++) {
			at = encodeValue(into, at, end, params[i])
			if (at === 0) return 0
		}
	}
	return at
}

/** Where the next begins; 0: no room. */
function encodeValue({ bytes, view }: Writer, at: number, end: number, value: Value): number {
	if (at + 9 > end) return 0
	if (typeof value === 'number') {
		if ((value | 0) === value) {
			bytes[at] = TAG.integer
			view.setInt32(at + 1, value, true)
			return at + 5
		}
		bytes[at] = TAG.number
		view.setFloat64(at + 1, value, true)
		return at + 9
	}
	if (value === null) {
		bytes[at] = TAG.null
		return at + 1
	}
	const from = at + 5
	if (typeof value === 'string') {
		if (from + value.length * 3 > end) return 0
		bytes[at] = TAG.text
		const length = bytes.write(value, from)
		view.setUint32(at + 1, length, true)
		return from + length
	}
	const { length } = value
	if (from + length > end) return 0
	bytes[at] = TAG.bytes
	view.setUint32(at + 1, length, true)
	if (length > BYTES_BY_HAND_MAX) bytes.set(value, from)
	else for (let i = 0; i < length; i++) bytes[from + i] = value[i]
	return from + length
}

function decode(whole: Buffer, batch: number): Query[] {
	const statements: Query[] = []
	const texts: string[] = []
	for (let at = RECORDS_AT; at + RECORD_HEAD_BYTES <= whole.length; ) {
		const bodyAt = at + RECORD_HEAD_BYTES
		const end = bodyAt + whole.readUInt32LE(at)
		if (end === bodyAt || end > whole.length || whole.readUInt32LE(at + 8) !== batch) break
		const body = whole.subarray(bodyAt, end)
		if (crc32(body) !== whole.readUInt32LE(at + 4)) break
		for (let next = 0; next < body.length; ) next = decodeStatement(body, next, texts, statements)
		at = end
	}
	return statements
}

function decodeStatement(body: Buffer, start: number, texts: string[], into: Query[]): number {
	let at = start + 2
	const number = body.readUInt16LE(start)
	if (number === texts.length) {
		const length = body.readUInt32LE(at)
		texts.push(body.toString('utf8', at + 4, at + 4 + length))
		at += 4 + length
	}
	const values: Value[] = []
	const count = body.readUInt8(at)
	at += 1
	for (let i = 0; i < count; i++) at = decodeValue(body, at, values)
	into.push([texts[number], values])
	return at
}

function decodeValue(body: Buffer, at: number, into: Value[]): number {
	const tag = body.readUInt8(at)
	if (tag === TAG.null) {
		into.push(null)
		return at + 1
	}
	if (tag === TAG.number) {
		into.push(body.readDoubleLE(at + 1))
		return at + 9
	}
	if (tag === TAG.integer) {
		into.push(body.readInt32LE(at + 1))
		return at + 5
	}
	const end = at + 5 + body.readUInt32LE(at + 1)
	into.push(tag === TAG.text ? body.toString('utf8', at + 5, end) : Uint8Array.from(body.subarray(at + 5, end)))
	return end
}
