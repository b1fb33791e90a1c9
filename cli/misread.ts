/** What the parser of the command line reads as something nobody means, or as nothing at all: it is refused. */
import { UserError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'

/** Names by what was declared of them, as yargs has it. */
export interface Declared {
	boolean: readonly string[]
	number: readonly string[]
	string: readonly string[]
	array: readonly string[]
	alias: Readonly<Record<string, readonly string[]>>
}

type Kind = 'boolean' | 'number'

export function refuseMisread(read: Readonly<Record<string, unknown>>, words: readonly string[], declared: Declared): void {
	for (const name of [...declared.string, ...declared.number]) checkOnce(name, read[name], declared)
	for (const [at, word] of words.entries()) checkWord(word, words[at + 1], declared)
	if (read.config === '') refuse('--config needs a value')
}

/** Said twice it is read as a list, and `--no-zone` as a zone that is false. */
function checkOnce(name: string, value: unknown, { array }: Declared): void {
	if (value === false) refuse(`unknown: --no-${name}`)
	if (Array.isArray(value) && !array.includes(name)) refuse(`${dashed(name)} is said twice`)
}

/** `--dry-run=yes` is read as false, and no number as nought. */
function checkWord(word: string, next: string | undefined, declared: Declared): void {
	const [, typed, given] = /^--?([^=]+)(?:=(.*))?$/s.exec(word) ?? []
	if (typed === undefined) return
	const is = (kind: Kind) => isDeclared(inParts(typed), kind, declared)
	if (given !== undefined && given !== 'true' && given !== 'false' && is('boolean')) refuse(`${dashed(typed)}: found '${given}', allowed: true, false, or no value`)
	if ((given ?? next)?.trim() === '' && is('number')) refuse(`${dashed(typed)} needs a value`)
}

function isDeclared(typed: string, kind: Kind, { alias, ...declared }: Declared): boolean {
	return declared[kind].some((name) => name === typed || alias[name]?.includes(typed))
}

/** The parser takes `dryRun` for `dry-run`. */
export function inParts(name: string): string {
	return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

export function dashed(name: string): string {
	return name.length === 1 ? `-${name}` : `--${name}`
}

function refuse(line: string): never {
	throw new UserError(line, EXIT.usage)
}

/** `why -- -x`: the parser takes nothing after `--` for a path. A dash alone stays what it is. */
export function withoutDashes(words: readonly string[]): readonly string[] {
	const at = words.indexOf('--')
	if (at < 0) return words
	return [...words.slice(0, at), ...words.slice(at + 1).map((word) => word.replace(/^-(?=.)/s, './-'))]
}
