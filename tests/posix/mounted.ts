/** The ground of the cases: a mount with this catalogue and this way of carrying data. */
import { type MountOptions, startUp } from '../support/mount.ts'
import type { Ground } from './run-cases.ts'

export async function mounted(options: MountOptions): Promise<Ground> {
	const mount = await startUp(options)
	return { root: mount.mountPoint, end: () => mount.remove() }
}
