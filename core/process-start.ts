import { readFileSync } from 'node:fs'

/** When a process started, in ticks since the boot: that tells it from another with its number. '' where there is none, or it has ended. */
export function startOf(pid: number): string {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
		return fields[0] === 'Z' || fields[0] === 'X' ? '' : fields[19]
	} catch {
		return ''
	}
}
