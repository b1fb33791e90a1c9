/** The command line: one verb per file, one error line, one table of exit codes. */
import { CatalogueError, codeOf, UserError } from '../core/errors.ts'
import { guarded } from '../core/text.ts'
import { EXIT } from './exit-codes.ts'
import { withoutDashes } from './misread.ts'
import { withoutOldForm } from './old-form.ts'
import { reportToParent } from './parent.ts'
import { readPlainly } from './plain-words.ts'
import type { Deps } from './verb.ts'
import { type AnyCommand, verbsFor } from './verbs.ts'

const deps: Deps = {
	print: (line) => void process.stdout.write(`${guarded(line)}\n`),
	warn: (line) => void process.stderr.write(`cairn: ${guarded(line).replaceAll('\n', '\\n')}\n`),
	environment: process.env,
	// Not before it is asked for: the shell may stand in a directory that was removed.
	get directory() {
		return process.cwd()
	},
	uid: process.getuid?.() ?? 0,
	gid: process.getgid?.() ?? 0,
}

async function main(typed: string[]): Promise<void> {
	const words = withoutDashes(withoutOldForm(typed))
	const commands = (await verbsFor(words)).map((verb) => verb(deps))
	const plainly = commands.length === 1 ? readPlainly(commands[0], words) : undefined
	if (plainly) await commands[0].handler(plainly as Parameters<AnyCommand['handler']>[0])
	else await (await import('./parser.ts')).parseAndRun(commands, words)
}

function end(error: unknown): void {
	const { line, code } = toLine(error)
	process.exitCode = code
	if (!reportToParent({ error: line, code })) deps.warn(line)
	if (process.env.CAIRN_DEBUG && error instanceof Error) for (const frame of String(error.stack).split('\n')) deps.warn(frame)
}

function toLine(error: unknown): { line: string; code: number } {
	const message = error instanceof Error ? error.message : String(error)
	const line = message.split('\n')[0]
	if (error instanceof UserError) return { line, code: error.exitCode }
	if ((error as NodeJS.ErrnoException).syscall === 'uv_cwd') return { line: 'the directory you are in is not there any more: cd elsewhere first', code: EXIT.refused }
	const code = codeOf(error)
	if (error instanceof CatalogueError && code === 'EIO') return { line, code: EXIT.unreachable }
	return { line: line.startsWith(code) || code === 'EIO' ? line : `${code}: ${line}`, code: EXIT.unexpected }
}

/** What stays until it is told to end, as a mount does. */
const staysForOthers = () => process.listenerCount('SIGTERM') > 0

/** `cairn trash list | head`: whoever reads has had enough. What stays is told to end, in order, once. */
let isReadNoMore = false
function endUnread(): void {
	if (!staysForOthers()) process.exit(process.exitCode ?? EXIT.ok)
	if (!isReadNoMore) process.emit('SIGTERM', 'SIGTERM')
	isReadNoMore = true
}

/** A log on a disk that is full is no reason for a mount to end. */
let isUnwritten = false
function goOnUnwritten(error: Error): void {
	if (!isUnwritten) end(new UserError(`standard output: ${error.message}`, EXIT.unexpected))
	isUnwritten = true
	if (!staysForOthers()) process.exit()
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? endUnread() : goOnUnwritten(error)))
// Nobody can be told.
process.stderr.on('error', () => undefined)

// What rotating logs sends to many a daemon says nothing to these, and would end them: a mount would stay behind dead.
for (const signal of ['SIGUSR1', 'SIGUSR2']) process.on(signal, () => undefined)

await main(process.argv.slice(2)).catch(end)
