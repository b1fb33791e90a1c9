/** Any command line, and `--help`: what is declared by the verbs, read by yargs. */
// Version 17, by this name, is one file; 18 is fifty modules, which take a tenth of a short verb's time to load.
import yargs from 'yargs/yargs'
import { UserError } from '../core/errors.ts'
import { EXIT, exitCodeTable } from './exit-codes.ts'
import { inOurWords } from './in-our-words.ts'
import { type Declared, refuseMisread } from './misread.ts'
import { CONFIG_OPTION } from './plain-words.ts'
import type { AnyCommand } from './verbs.ts'
import { version } from './version.ts'

const HELP_COLUMNS = 110

export async function parseAndRun(commands: readonly AnyCommand[], words: readonly string[]): Promise<void> {
	const parser = yargs([])
		.scriptName('cairn')
		.usage('$0 VERB: several storage servers as one filesystem of plain files')
		.option('config', CONFIG_OPTION)
		.version(version())
		.wrap(HELP_COLUMNS)
		.epilogue(exitCodeTable())
		.demandCommand(1, 'which verb? See cairn --help')
		.strict()
		.parserConfiguration({ 'dot-notation': false })
		.check((read, declared) => {
			refuseMisread(read, words, declared as unknown as Declared)
			return true
		})
		.fail((message, error) => refuse(message, { error, words, command: commands.length === 1 ? String([commands[0].command].flat()[0]) : '' }))
	let work: unknown
	for (const command of commands) {
		// Where a handler gives it a promise, yargs lays out the whole help for what may go wrong later: a thirtieth of a short verb's time.
		const handler: typeof command.handler = (options) => {
			work = command.handler(options)
		}
		parser.command({ ...command, handler })
	}
	await parser.parseAsync(words)
	await work
}

/** yargs gives a message for what it could not understand, and an error for what a verb threw. */
function refuse(message: string | null, { error, words, command }: { error: unknown; words: readonly string[]; command: string }): never {
	if (error instanceof Error && error.name !== 'YError') throw error
	throw new UserError(inOurWords(message ?? (error as Error).message, words, command), EXIT.usage)
}
