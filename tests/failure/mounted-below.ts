import { join } from 'node:path'
import { mountDisk } from './disks.ts'

/** For hands: a disk in a file of the mount, mounted on a directory of it. */
export function mountBelow(mountPoint: string): void {
	mountDisk(join(mountPoint, 'image'), join(mountPoint, 'below'), 8)
}
