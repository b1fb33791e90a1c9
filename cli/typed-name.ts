/** Names as they were typed: words come as text, in which bytes that are no UTF-8 are all alike. */
import { readFileSync, readlinkSync } from 'node:fs'
import type { Path } from '../core/ids.ts'

const LOST = '\ufffd'

export function typedPath(names: readonly string[]): Path {
	return Buffer.concat(names.flatMap((name, at) => [Buffer.from(at === 0 ? '' : '/'), typedName(name)]))
}

/** Whole words; those that read alike are in the order in which they were typed. */
export function typedWords(words: readonly string[]): Buffer[] {
	if (!words.some((word) => word.includes(LOST))) return words.map((word) => Buffer.from(word))
	const typed = readFileSync('/proc/self/cmdline').toString('latin1').split('\0').map((word) => Buffer.from(word, 'latin1'))
	return words.map((word) => {
		const at = typed.findIndex((each) => each.toString() === word)
		return at === -1 ? Buffer.from(word) : typed.splice(at, 1)[0]
	})
}

function typedName(name: string): Buffer {
	if (!name.includes(LOST)) return Buffer.from(name)
	return rawNames().find((raw) => raw.toString() === name) ?? Buffer.from(name)
}

/** Of the command line, and of the directory it was typed in. */
function rawNames(): Buffer[] {
	return [readFileSync('/proc/self/cmdline'), readlinkSync('/proc/self/cwd', 'buffer')].flatMap((bytes) =>
		bytes.toString('latin1').split(/\0--[a-z-]+=|[\0/]/).map((name) => Buffer.from(name, 'latin1')),
	)
}
