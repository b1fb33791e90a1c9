/**
 * Most command lines are a verb, its paths and an option or two, each as it is declared. Those are read here; the parser for all others takes
 * a quarter of a short verb's time to load and to look. Where anything is out of the ordinary the answer is undefined, and the parser's to give.
 */
import type { Options as Declared } from 'yargs'
import type { AnyCommand } from './verbs.ts'

interface Declarations {
	options: Map<string, Declared>
	positionals: Map<string, Declared>
}

type Read = Record<string, unknown>

/** The option that every verb has. */
export const CONFIG_OPTION = { type: 'string', global: true, requiresArg: true, describe: 'configuration file' } as const

export function readPlainly(verb: AnyCommand, words: readonly string[]): Read | undefined {
	const declared = declarationsOf(verb)
	if (!declared) return undefined
	const { options, positionals } = declared
	const read: Read = {}
	const places = [...positionals.keys()]
	for (let at = 1; at < words.length; at++) {
		const word = words[at]
		if (!word.startsWith('-')) {
			const place = places.shift()
			if (place === undefined || !fits(positionals.get(place), word)) return undefined
			read[place] = word
			continue
		}
		const name = word.slice(2)
		const option = options.get(name)
		if (!word.startsWith('--') || name in read || !option) return undefined
		const next = words[at + 1]
		if (option.type === 'boolean' && next !== 'true' && next !== 'false') read[name] = true
		else if (fits(option, next)) read[name] = words[++at]
		else return undefined
	}
	return complete(read, [...options, ...positionals])
}

/** What its builder declares, where that is options and paths and nothing else. */
function declarationsOf({ command, builder }: AnyCommand): Declarations | undefined {
	if (typeof command !== 'string' || typeof builder !== 'function') return undefined
	const options = new Map<string, Declared>([['config', CONFIG_OPTION]])
	const positionals = new Map<string, Declared>()
	let isPlain = true
	const recorder: unknown = new Proxy({}, {
		get: (_, method) => (name: string, declared: Declared) => {
			if (method === 'option') options.set(name, declared)
			else if (method === 'positional') positionals.set(name, declared)
			else isPlain = false
			return recorder
		},
	})
	builder(recorder as Parameters<typeof builder>[0])
	for (const [, bracket, name] of command.matchAll(/([<[])([^\]>]+)/g)) {
		const place = positionals.get(name)
		if (!place) return undefined
		if (bracket === '<') positionals.set(name, { ...place, demandOption: true })
	}
	return isPlain ? { options, positionals } : undefined
}

function fits(declared: Declared | undefined, word: string | undefined): boolean {
	if (declared?.type !== 'string' || declared.array || declared.coerce) return false
	return word !== undefined && word !== '' && !word.startsWith('-') && (declared.choices?.includes(word) ?? true)
}

/** With what was not said; undefined where it had to be. */
function complete(read: Read, declared: ReadonlyArray<[string, Declared]>): Read | undefined {
	for (const [name, { default: usual, demandOption, array, coerce }] of declared) {
		if (name in read) continue
		if (demandOption || array || coerce) return undefined
		if (usual !== undefined) read[name] = usual
	}
	return Object.fromEntries(Object.entries(read).flatMap(([name, value]) => [[name, value], [inOneWord(name), value]]))
}

/** `dry-run` is `dryRun` for who reads it. */
function inOneWord(name: string): string {
	return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
