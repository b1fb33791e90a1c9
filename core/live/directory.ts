/** Where the processes of this machine keep their locks and sockets. */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

export function runDirectory(environment: NodeJS.ProcessEnv): string {
	const uid = process.getuid?.() ?? 0
	const directory = uid === 0 ? '/run/cairn' : join(environment.XDG_RUNTIME_DIR || '/tmp', `cairn-${uid}`)
	mkdirSync(directory, { recursive: true, mode: 0o700 })
	return directory
}

/** All sockets of one installation begin alike. */
export function socketPrefix(catalogue: string): string {
	return `live-${createHash('sha256').update(catalogue.replace(/^sqlite:/, '')).digest('hex').slice(0, 16)}-`
}
