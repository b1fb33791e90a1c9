/** What the parser of the command line says of a mistake, as the verbs say it: what is wrong, what is allowed, where to look. */
import { nearest } from '../core/config/nearest.ts'
import { dashed } from './misread.ts'
import { VERB_NAMES } from './verbs.ts'

const SEE_ALL = 'cairn --help'

/** `words` as they were typed; `command` as the verb declares it, where there is one. */
export function inOurWords(said: string, words: readonly string[], command = ''): string {
	const message = said.replaceAll('\n', ' ')
	const [verb = ''] = words
	const see = verb === '' || verb.startsWith('-') ? SEE_ALL : `cairn ${verb} --help`
	for (const [pattern, say] of SAYINGS) {
		const found = pattern.exec(message)
		if (found) return say(found, { verb, words, places: command.match(/<[^>]*>/g) ?? [], see })
	}
	return message
}

interface Typed {
	verb: string
	words: readonly string[]
	/** `<path>` */
	places: readonly string[]
	see: string
}

const SAYINGS: Array<[RegExp, (found: RegExpExecArray, typed: Typed) => string]> = [
	[/^Unknown (?:argument|command)s?: (.*)$/, ([, names], typed) => unknown(names.split(', '), typed)],
	[/^Not enough non-option arguments: got (\d+)/, ([, got], typed) => missing(Number(got), typed)],
	[/^Missing required arguments?: (.*)$/, ([, names], { verb, see }) => `${verb}: --${names.replaceAll(', ', ' and --')} is missing; see ${see}`],
	[/^Not enough arguments following: (.*)$/, ([, name]) => `${dashed(name)} needs a value`],
	[
		/^Invalid values:\s+Argument: (\S+), Given: (.*?), Choices: (.*?)(?:\s+Argument: .*)?$/,
		([, name, given, choices]) => `${dashed(name)}: found ${given.replaceAll('"', "'")}, allowed: ${choices.replaceAll('"', '')}`,
	],
]

/** The parser names an option without its dashes, and twice where it has one inside. */
function unknown(names: readonly string[], { verb, words, see }: Typed): string {
	const nameOf = (word: string) => word.replace(/^--?/, '').replace(/=.*$/s, '')
	const typed = words.filter((word) => names.includes(nameOf(word)))
	if (typed.includes(verb)) return noVerb(verb)
	return `${verb}: unknown: ${(typed.length > 0 ? typed : names).join(' ')}; see ${see}`
}

/** By name, where the verb itself takes it; a verb of verbs is followed by the one that does. */
function missing(got: number, { verb, words, places, see }: Typed): string {
	const names = places.slice(got).join(' ')
	if (names !== '') return `${verb}: ${names} is missing; see ${see}`
	const whole = words.slice(0, 2).join(' ')
	return `${whole}: something is missing; see cairn ${whole} --help`
}

function noVerb(typed: string): string {
	const meant = nearest(typed, VERB_NAMES)
	return `there is no verb '${typed}'; ${meant ? `did you mean ${meant}?` : `see ${SEE_ALL}`}`
}
