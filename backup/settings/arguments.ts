/** The command line, in the form its users know. */
import { EXIT, Ending } from '../exit-codes.ts'

const ACTIONS = ['replicate', 'walk', 'verify', 'restore', 'status', 'check'] as const
export type Action = (typeof ACTIONS)[number]
const MODES = ['recent', 'full', 'fill-gaps']

export interface Arguments {
	action: Action
	mode?: string
	/** Of the archive, or of the folder: what to look at. */
	path?: string
	to?: string
	verbose: boolean
	help: boolean
}

export function parseArguments(words: readonly string[]): Arguments {
	const parsed: Arguments = { action: 'check', verbose: false, help: false }
	for (let index = 0; index < words.length; index++) {
		const [word, given] = splitLong(words[index] as string)
		const value = () => given ?? words[++index] ?? bad(`${word} needs a value`)
		if (word === '-a' || word === '--action') parsed.action = oneOf(ACTIONS, value(), 'action')
		else if (word === '-m' || word === '--mode') parsed.mode = oneOf(MODES, value(), 'mode')
		else if (word === '-p' || word === '--path') parsed.path = value()
		else if (word === '--to') parsed.to = value()
		else if (word === '-v' || word === '--verbose') parsed.verbose = true
		else if (word === '-h' || word === '--help') parsed.help = true
		else bad(`'${words[index]}' is no option; --help shows those there are`)
	}
	if (parsed.mode !== undefined && parsed.action !== 'replicate') bad('-m is for -a replicate')
	if (parsed.path !== undefined && parsed.action !== 'walk' && parsed.action !== 'restore') bad('-p is for -a walk and -a restore')
	if ((parsed.to !== undefined) !== (parsed.action === 'restore') && !parsed.help) bad('-a restore needs --to DIRECTORY, and nothing else has it')
	return parsed
}

function splitLong(word: string): [string, string | undefined] {
	const match = /^(--[a-z]+)=(.*)$/s.exec(word)
	return match ? [match[1] as string, match[2]] : [word, undefined]
}

function oneOf<T extends string>(choices: readonly T[], value: string, what: string): T {
	return choices.find((choice) => choice === value) ?? bad(`'${value}' is no ${what}; there are ${choices.join(', ')}`)
}

function bad(message: string): never {
	throw new Ending(EXIT.usage, message)
}
