/** Who speaks with the kernel for a mount: the seam between the filesystem and a way of mounting it. */
import type { Filesystem } from '../core/filesystem/filesystem.ts'

export interface MountOptions {
	mountPoint: string
	readOnly: boolean
	allowOther: boolean
	driver: 'fuse' | 'fuse-native'
	io: 'auto' | 'passthrough' | 'carried'
	fsname: string
	kernelOptions: string[]
	report?: (line: string) => void
}

/** Mounts and serves until the mount is gone. It has the filesystem's `onChange` to itself. */
export interface Driver {
	attach(fs: Filesystem, options: MountOptions): Promise<Attached>
}

export interface Attached {
	/** Resolves when the kernel asks nothing any more. */
	ended: Promise<void>
	/** Lets go of the mount point, lazily when somebody is still in it. */
	detach(): void | Promise<void>
}
