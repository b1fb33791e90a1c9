/** Finds, reads and checks the configuration. */
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { UserError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import { Wrong } from './checks.ts'
import { withDefaults } from './defaults.ts'
import { importConfig, lineOf } from './module.ts'
import { resolvePaths } from './paths.ts'
import { checkConfig } from './schema.ts'
import { checkSecrets, findPassword } from './secrets.ts'
import type { Config, PartialConfig } from './types.ts'

const OTHERS_MAY_WRITE = 0o002
/** Where `cairn up` puts one unless it is told a directory. */
const OF_UP = 'cairn-data/config.ts'

export interface Place {
	/** Said on the command line. */
	path?: string
	environment?: NodeJS.ProcessEnv
	directory?: string
}

/** The file that holds: the one named, else the first that is there. */
export function findConfig({ path, environment = process.env, directory = process.cwd() }: Place = {}): string {
	const named = path || environment.CAIRN_CONFIG
	if (named) return checkThere(resolve(directory, named))
	const places = [resolve(directory, 'config.ts'), '/etc/cairn/config.ts']
	const found = places.find((place) => existsSync(place))
	if (found) return found === places[0] ? checkOurs(found, environment, '; name it with --config if it is meant') : found
	const next = existsSync(resolve(directory, OF_UP)) ? `name the one that 'cairn up' made: --config ${OF_UP}, or $CAIRN_CONFIG` : "copy config.example.ts there, name one with --config, or try 'cairn up'"
	throw wrong(`no configuration at ${places.join(' or ')}: ${next}`)
}

export async function loadConfig(place: Place = {}): Promise<Config> {
	const file = findConfig(place)
	const said = await read(file)
	try {
		checkConfig(said, '')
		const partial = said as PartialConfig
		checkSecrets(partial, file)
		const config = resolvePaths(withDefaults(partial), file)
		return { ...config, cataloguePassword: findPassword(config, place.environment ?? process.env) }
	} catch (error) {
		if (error instanceof Wrong) throw wrong(`${file}: ${error.message}`)
		throw error
	}
}

async function read(file: string): Promise<unknown> {
	const ended = () => {
		process.exitCode = EXIT.configuration
		process.stderr.write(`cairn: ${file}: it ends the program, or waits for what never comes\n`)
	}
	process.once('exit', ended)
	try {
		return await importConfig(file, String(statSync(file).mtimeMs))
	} catch (error) {
		const line = lineOf(error)
		throw wrong(`${file}${line ? `:${line}` : ''}: ${String((error as Error | undefined)?.message ?? error).split('\n')[0]}`)
	} finally {
		process.off('exit', ended)
	}
}

function checkThere(file: string): string {
	const found = statSync(file, { throwIfNoEntry: false })
	if (!found) throw wrong(`${file}: no such file`)
	if (found.isDirectory()) throw wrong(`${file} is a directory: name the file`)
	return file
}

/** It is a program. Where one just happens to stand it may be anybody's, and below a mount point everybody's. */
export function checkOurs(file: string, { SUDO_UID }: NodeJS.ProcessEnv, otherwise = ''): string {
	const { uid, mode } = statSync(file)
	const own = process.geteuid?.() ?? 0
	const isOurs = uid === 0 || uid === own || (own === 0 && SUDO_UID === String(uid))
	if (isOurs && (mode & OTHERS_MAY_WRITE) === 0) return file
	throw wrong(`${file}: ${isOurs ? 'anybody may write it' : 'it belongs to another user'}, so it is not run${otherwise}`)
}

function wrong(message: string): UserError {
	return new UserError(message, EXIT.configuration)
}
