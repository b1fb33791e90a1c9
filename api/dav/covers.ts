/** Whether a lock is about a path. */
import type { DavLock } from '../../core/catalogue/dav-locks.ts'
import type { Path } from '../../core/ids.ts'
import { isBelow } from '../tree/below.ts'

export function covers(lock: DavLock, path: Path): boolean {
	return lock.deep ? isBelow(path, lock.path) : lock.path.equals(path)
}
