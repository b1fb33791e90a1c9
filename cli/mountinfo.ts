/** What is mounted at a path, or above it. */
import { type Mount, mounts } from '../core/nodes/detect.ts'

/** The uppermost mount at a path, or undefined. */
export function mountAt(path: string): Mount | undefined {
	return mounts().findLast((entry) => entry.mountPoint === path)
}

/** The mount that what is at a path belongs to: the latest of those deepest above it. */
export function mountAbove(path: string, table = mounts()): Mount | undefined {
	const above = table.filter(({ mountPoint }) => mountPoint === '/' || `${path}/`.startsWith(`${mountPoint}/`))
	return above.toSorted((a, b) => a.mountPoint.length - b.mountPoint.length).at(-1)
}

export function isOurs(type: string): boolean {
	return type === 'fuse' || type === 'fuse.cairn'
}

/** Whether a path is a mount point of FUSE, or below one. */
export function isBelowFuse(path: string): boolean {
	return mounts().some(({ mountPoint, type }) => type.startsWith('fuse') && `${path}/`.startsWith(`${mountPoint}/`))
}
