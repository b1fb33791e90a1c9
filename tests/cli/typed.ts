/** Verbs as typed, in this process: what they print and end with, in a fraction of the time that a process of their own takes. */
import yargs from 'yargs/yargs'
import { UserError } from '../../core/errors.ts'
import type { Deps, Verb } from '../../cli/verb.ts'
import type { Said } from '../support/mount.ts'

const UNEXPECTED = 1
const USAGE = 2

// biome-ignore lint/suspicious/noExplicitAny: verbs have options of their own
type AnyVerb = Verb<any>

/** One command line at a time: the code a verb ends with belongs to the process. */
export function typed(config: string, ...verbs: AnyVerb[]): (...words: string[]) => Promise<Said> {
	return async (...words) => {
		const said: Said = { code: 0, stdout: '', stderr: '' }
		const deps: Deps = {
			print(line) {
				said.stdout += `${line}\n`
			},
			warn(line) {
				said.stderr += `cairn: ${line}\n`
			},
			environment: {},
			directory: process.cwd(),
			uid: 0,
			gid: 0,
		}
		const { exitCode, argv } = process
		process.exitCode = undefined
		process.argv = [...argv.slice(0, 2), ...words]
		try {
			await parse(verbs, deps, [...words, '--config', config])
			said.code = Number(process.exitCode ?? 0)
		} catch (error) {
			deps.warn((error as Error).message)
			said.code = error instanceof UserError ? error.exitCode : UNEXPECTED
		} finally {
			Object.assign(process, { exitCode, argv })
		}
		return said
	}
}

async function parse(verbs: AnyVerb[], deps: Deps, words: string[]): Promise<void> {
	let line = yargs([]).option('config', { type: 'string', global: true, requiresArg: true }).demandCommand(1).strict()
	for (const verb of verbs) line = line.command(verb(deps)) as typeof line
	await line
		.exitProcess(false)
		.fail((message, error) => {
			if (error instanceof Error && error.name !== 'YError') throw error
			throw new UserError(message ?? error.message, USAGE)
		})
		.parseAsync(words)
}
