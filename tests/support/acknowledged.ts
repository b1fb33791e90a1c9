/**
 * A writer whose every step is known to the test before and after it happened, and the check of what is left of them when
 * the daemon below was killed: what was acknowledged is there, what was deleted is not.
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import { report } from './hands-process.ts'
import { type Random, randomFrom } from './random.ts'

/** Bytes that follow from two numbers. */
export interface Part {
	salt: number
	length: number
}

export type Step =
	| { kind: 'create'; name: string; part: Part }
	| { kind: 'append'; name: string; part: Part }
	| { kind: 'rename'; name: string; to: string }
	| { kind: 'unlink'; name: string }

export interface Progress {
	step: Step
	done: boolean
}

export type Written = Map<string, Part[]>

const CHUNK_BYTES = 64 * 1024
const PART_BYTES_MAX = 400_000
const FILES_MAX = 40

/** Runs in hands until the mount fails below it; the errno it failed with. */
export async function writeUntilKilled(root: string, written: Written, seed: number, sync: boolean): Promise<string> {
	const random = randomFrom(seed)
	for (;;) {
		const step = chooseStep(random, written)
		await report({ step, done: false } satisfies Progress)
		try {
			carryOut(root, step, sync)
		} catch (error) {
			return (error as NodeJS.ErrnoException).code ?? String(error)
		}
		apply(written, step)
		await report({ step, done: true } satisfies Progress)
	}
}

export function apply(written: Written, step: Step): void {
	const parts = written.get(step.name) ?? []
	if (step.kind === 'create') written.set(step.name, [step.part])
	else if (step.kind === 'append') written.set(step.name, [...parts, step.part])
	else {
		written.delete(step.name)
		if (step.kind === 'rename') written.set(step.to, parts)
	}
}

function chooseStep(random: Random, written: Written): Step {
	const names = [...written.keys()]
	const part = { salt: random.below(2 ** 30), length: random.below(PART_BYTES_MAX) }
	const fresh = `file-${random.below(2 ** 30).toString(36)}`
	if (names.length < 3 || (names.length < FILES_MAX && random.chance(0.5))) return { kind: 'create', name: fresh, part }
	const name = random.pick(names)
	if (random.chance(0.4)) return { kind: 'append', name, part }
	if (random.chance(0.5)) return { kind: 'unlink', name }
	return { kind: 'rename', name, to: random.chance(0.5) ? fresh : random.pick(names.filter((other) => other !== name)) }
}

function carryOut(root: string, step: Step, sync: boolean): void {
	const path = join(root, step.name)
	if (step.kind === 'unlink') fs.unlinkSync(path)
	else if (step.kind === 'rename') fs.renameSync(path, join(root, step.to))
	else write(path, step.kind === 'create' ? 'wx' : 'a', step.part, sync)
}

function write(path: string, flags: string, part: Part, sync: boolean): void {
	const data = bytesOf([part])
	const fd = fs.openSync(path, flags)
	for (let at = 0; at < data.length; at += CHUNK_BYTES) fs.writeSync(fd, data, at, Math.min(CHUNK_BYTES, data.length - at))
	if (sync) fs.fsyncSync(fd)
	fs.closeSync(fd)
}

export function bytesOf(parts: readonly Part[]): Buffer {
	return Buffer.concat(parts.map(({ salt, length }) => {
		const data = Buffer.alloc(length)
		for (let at = 0; at < length; at++) data[at] = (Math.imul(at + salt, 2_654_435_761) >>> 24) & 0xff
		return data
	}))
}

/** Runs in hands: what is wrong with what is there, a line each. `pending` was under way when the daemon was killed. */
export function verifyWritten(root: string, written: Written, pending?: Step): string[] {
	const problems: string[] = []
	const there = new Map<string, Buffer>()
	for (const name of fs.readdirSync(root)) {
		try {
			there.set(name, fs.readFileSync(join(root, name)))
		} catch (error) {
			problems.push(`${name} is listed and cannot be read: ${(error as Error).message}`)
		}
	}
	const undecided = new Set(pending ? [pending.name, ...('to' in pending ? [pending.to] : [])] : [])
	for (const [name, parts] of written) {
		if (undecided.has(name)) continue
		const found = there.get(name)
		if (!found) problems.push(`${name} was acknowledged and is gone`)
		else if (!same(found, bytesOf(parts))) problems.push(`${name}: ${found.length} bytes that are not those acknowledged`)
	}
	for (const name of there.keys()) {
		if (!written.has(name) && !undecided.has(name)) problems.push(`${name} is there and was deleted, or never made`)
	}
	return [...problems, ...verifyPending(there, written, pending)]
}

/** A step that was not acknowledged happened or did not; what it started from is not lost. */
function verifyPending(there: Map<string, Buffer>, written: Written, pending?: Step): string[] {
	if (!pending || pending.kind === 'create') return []
	const before = bytesOf(written.get(pending.name) ?? [])
	const found = there.get(pending.name)
	if (pending.kind === 'append') {
		return found && same(found.subarray(0, before.length), before) ? [] : [`${pending.name}: lost what it held before an append`]
	}
	if (found) return same(found, before) ? [] : [`${pending.name}: changed by a ${pending.kind} that was cut off`]
	if (pending.kind === 'unlink') return []
	const moved = there.get(pending.to)
	return moved && same(moved, before) ? [] : [`${pending.name}: lost in a rename to ${pending.to} that was cut off`]
}

function same(a: Buffer, b: Buffer): boolean {
	return a.length === b.length && digest(a) === digest(b)
}

function digest(data: Buffer): string {
	return createHash('sha256').update(data).digest('hex')
}
