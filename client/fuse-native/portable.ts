/** The mount as the callbacks in this folder see it. */
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { createHandles, type Handles } from '../handles.ts'
import { createHidden, type Hidden } from './hidden.ts'
import { createPaths, type Paths } from './paths.ts'

export interface Portable {
	readonly fs: Filesystem
	readonly paths: Paths
	readonly hidden: Hidden
	readonly handles: Handles
}

export function createPortable(fs: Filesystem): Portable {
	const hidden = createHidden()
	return { fs, hidden, paths: createPaths(fs, hidden), handles: createHandles() }
}

/** The package does not say who asks: what is made belongs to whoever mounted. */
export function owner(): { uid: number; gid: number } {
	return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
}
