/** The command line: one verb per file, one error line, one table of exit codes. */
// Version 17, by this name, is one file; 18 is fifty modules, which take a tenth of a short verb's time to load.
import yargs from 'yargs/yargs'
import { CatalogueError, codeOf, UserError } from '../core/errors.ts'
import { guarded } from '../core/text.ts'
import { EXIT, exitCodeTable } from './exit-codes.ts'
import { inOurWords } from './in-our-words.ts'
import { withoutOldForm } from './old-form.ts'
import { reportToParent } from './parent.ts'
import type { Deps } from './verb.ts'
import { verbsFor } from './verbs.ts'
import { version } from './version.ts'

const HELP_COLUMNS = 110

const deps: Deps = {
	print: (line) => void process.stdout.write(`${guarded(line)}\n`),
	warn: (line) => void process.stderr.write(`cairn: ${guarded(line).replaceAll('\n', '\\n')}\n`),
	environment: process.env,
	directory: process.cwd(),
	uid: process.getuid?.() ?? 0,
	gid: process.getgid?.() ?? 0,
}

async function main(typed: string[]): Promise<void> {
	const words = withoutOldForm(typed)
	const parser = yargs([])
		.scriptName('cairn')
		.usage('$0 VERB: several storage servers as one filesystem of plain files')
		.option('config', { type: 'string', global: true, requiresArg: true, describe: 'configuration file' })
		.version(version())
		.wrap(HELP_COLUMNS)
		.epilogue(exitCodeTable())
		.demandCommand(1, 'which verb? See cairn --help')
		.recommendCommands()
		.strict()
		.fail((message, error) => refuse(message, { error, words }))
	let work: unknown
	for (const verb of await verbsFor(words)) {
		const command = verb(deps)
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
function refuse(message: string | null, { error, words }: { error: unknown; words: readonly string[] }): never {
	if (error instanceof Error && error.name !== 'YError') throw error
	throw new UserError(inOurWords(message ?? (error as Error).message, words), EXIT.usage)
}

function end(error: unknown): void {
	const { line, code } = toLine(error)
	process.exitCode = code
	if (!reportToParent({ error: line, code })) deps.warn(line)
	if (process.env.CAIRN_DEBUG && error instanceof Error) deps.warn(String(error.stack))
}

function toLine(error: unknown): { line: string; code: number } {
	const message = error instanceof Error ? error.message : String(error)
	const line = message.split('\n')[0]
	if (error instanceof UserError) return { line, code: error.exitCode }
	const code = codeOf(error)
	if (error instanceof CatalogueError && code === 'EIO') return { line, code: EXIT.unreachable }
	return { line: line.startsWith(code) || code === 'EIO' ? line : `${code}: ${line}`, code: EXIT.unexpected }
}

/** `cairn trash list | head`: whoever reads has had enough. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
	if (error.code !== 'EPIPE') throw error
	process.exit(EXIT.ok)
})

await main(process.argv.slice(2)).catch(end)
