/** Containers, and whoever else has a table of mounts of his own: a mount that is taken away here may go on there. */
import { readdirSync, readFileSync } from 'node:fs'

/** A process that sees the filesystem mounted, `number (name)`. What may not be looked at is passed over. */
export function whereMounted(device: string): string | undefined {
	const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && readIfAllowed(`/proc/${name}/mountinfo`).includes(` ${device} `))
	return pid && `${pid} (${readIfAllowed(`/proc/${pid}/comm`).trim()})`
}

function readIfAllowed(path: string): string {
	try {
		return readFileSync(path, 'utf8')
	} catch {
		return ''
	}
}
