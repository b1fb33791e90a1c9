/** The kernel's table of mounts. Reading it touches no filesystem. */
import { readFileSync } from 'node:fs'

export interface MountEntry {
	mountPoint: string
	type: string
	source: string
}

/** The uppermost mount at a path, or undefined. */
export function mountAt(path: string): MountEntry | undefined {
	return parse(table()).findLast((entry) => entry.mountPoint === path)
}

/** The mount that what is at a path belongs to: the latest of those deepest above it. */
export function mountAbove(path: string, text = table()): MountEntry | undefined {
	const above = parse(text).filter(({ mountPoint }) => mountPoint === '/' || `${path}/`.startsWith(`${mountPoint}/`))
	return above.toSorted((a, b) => a.mountPoint.length - b.mountPoint.length).at(-1)
}

export function isOurs(type: string): boolean {
	return type === 'fuse' || type === 'fuse.cairn'
}

/** Whether a path is a mount point of FUSE, or below one. */
export function isBelowFuse(path: string): boolean {
	return parse(table()).some(({ mountPoint, type }) => type.startsWith('fuse') && `${path}/`.startsWith(`${mountPoint}/`))
}

function table(): string {
	return readFileSync('/proc/self/mountinfo', 'utf8')
}

/** proc(5): fields up to a dash, then type, source and options. */
function parse(text: string): MountEntry[] {
	return text
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => {
			const [before, after] = line.split(' - ')
			const [type, source] = after.split(' ')
			return { mountPoint: plain(before.split(' ')[4]), type, source: plain(source) }
		})
}

/** Space, tab, newline and backslash stand as three octal digits. */
function plain(text: string): string {
	return text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)))
}
