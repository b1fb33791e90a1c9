/**
 * What the folder has, on disk: `held.jsonl` by path, and `held.log`, what was added since. A line of the log counts when it was synced; one that
 * was cut off by a crash is passed over. When the log is long it is merged into a new `held.jsonl`, which takes the old one's place in one
 * step; if the log stays because a crash came between, its lines say the same once more. Memory holds the log at most.
 */
import fs from 'node:fs'
import type { Directory } from '../folder/directory.ts'
import { type Held, heldOf, lineOf } from './held.ts'
import { linesOf } from './lines.ts'

const LOG_LINES_MAX = 100_000
const WRITE_BYTES = 256 * 1024

const BASE = Buffer.from('held.jsonl')
const BASE_NEW = Buffer.from('held.jsonl.new')
const LOG = Buffer.from('held.log')

export interface Holdings {
	/** On the disk when it resolves. */
	add(held: readonly Held[]): Promise<void>
	/** By path, each once. What is added meanwhile is seen the next time. */
	all(): Generator<Held>
}

export function openHoldings(own: Directory, logLinesMax: number = LOG_LINES_MAX): Holdings {
	/** Undefined until something is added: who only reads changes nothing. */
	let logLines: number | undefined

	async function add(held: readonly Held[]): Promise<void> {
		if (held.length === 0) return
		logLines ??= endLastLine(own.at(LOG))
		const file = await fs.promises.open(own.at(LOG), 'a', 0o600)
		try {
			await file.appendFile(held.map(lineOf).join(''))
			await file.sync()
		} finally {
			await file.close()
		}
		if (logLines === 0) await own.sync()
		logLines += held.length
		if (logLines >= logLinesMax) await merge()
	}

	async function merge(): Promise<void> {
		const fd = fs.openSync(own.at(BASE_NEW), 'w', 0o600)
		try {
			// All of it or an error: what a nearly full disk takes of one write may be a part.
			for (const text of blocksOf(all())) fs.writeFileSync(fd, text)
			fs.fsyncSync(fd)
		} finally {
			fs.closeSync(fd)
		}
		fs.renameSync(own.at(BASE_NEW), own.at(BASE))
		await own.sync()
		fs.rmSync(own.at(LOG))
		logLines = 0
	}

	function* all(): Generator<Held> {
		const later = new Map<string, Held>()
		for (const held of heldIn(own.at(LOG))) later.set(held.path, held)
		const added = [...later.keys()].sort()
		let next = 0
		for (const held of heldIn(own.at(BASE))) {
			while (next < added.length && (added[next] as string) < held.path) yield* unlessGone(later.get(added[next++] as string))
			if (added[next] === held.path) yield* unlessGone(later.get(added[next++] as string))
			else yield held
		}
		while (next < added.length) yield* unlessGone(later.get(added[next++] as string))
	}

	return { add, all }
}

function* unlessGone(held: Held | undefined): Generator<Held> {
	if (held !== undefined && !held.gone) yield held
}

function* heldIn(path: Buffer | string): Generator<Held> {
	for (const line of linesOf(path)) {
		const held = heldOf(line)
		if (held !== undefined) yield held
	}
}

function* blocksOf(all: Iterable<Held>): Generator<string> {
	let block = ''
	for (const held of all) {
		block += lineOf(held)
		if (block.length < WRITE_BYTES) continue
		yield block
		block = ''
	}
	yield block
}

/** A line that was cut off gets its end, so that the next one is not taken for a part of it. How many lines there are. */
function endLastLine(path: Buffer | string): number {
	let lines = 0
	for (const _ of linesOf(path)) lines++
	const { size = 0 } = fs.statSync(path, { throwIfNoEntry: false }) ?? {}
	if (size === 0) return 0
	const fd = fs.openSync(path, 'r+')
	try {
		const last = Buffer.alloc(1)
		fs.readSync(fd, last, 0, 1, size - 1)
		if (last[0] === 0x0a) return lines
		fs.writeSync(fd, '\n', size)
		return lines + 1
	} finally {
		fs.closeSync(fd)
	}
}
