/** Where the processes of this machine keep their locks and sockets. */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, UserError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'

export function runDirectory(environment: NodeJS.ProcessEnv): string {
	const uid = process.getuid?.() ?? 0
	const directory = uid === 0 ? '/run/cairn' : join(environment.XDG_RUNTIME_DIR || '/tmp', `cairn-${uid}`)
	try {
		mkdirSync(directory, { recursive: true, mode: 0o700 })
	} catch (error) {
		throw new UserError(`${directory} cannot be made (${codeOf(error)}): XDG_RUNTIME_DIR says where it goes`, EXIT.refused)
	}
	// In /tmp anybody could have been first, and answer there in the place of one's own processes.
	const { uid: owner } = lstatSync(directory)
	if (owner !== uid) throw new UserError(`${directory} belongs to user ${owner}: XDG_RUNTIME_DIR says where else it may go`, EXIT.refused)
	return directory
}

/** All sockets of one installation begin alike. */
export function socketPrefix(catalogue: string): string {
	return `live-${createHash('sha256').update(catalogue.replace(/^sqlite:/, '')).digest('hex').slice(0, 16)}-`
}
