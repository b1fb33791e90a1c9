/**
 * Whether others have changed something that is not known here yet. What says so, and to whom:
 *
 *     catalogue.isChangedElsewhere()   another connection has committed since the journal was read last (SQLite; else always)
 *     fs.catchingUp                    it is being read, or that failed
 *     isFollowed                       neither of these: what is remembered here is as the catalogue has it
 *     isBehind                         not so, and it costs nothing to know: catch up (follow.ts) before going on
 *     mayBeBehind                      the same, or it cannot be known without a question
 *     fs.shared                        somebody else is alive who may change something at any time: what counts across a socket
 *     fs.transactions                  changes of this process itself; those of anybody are `catalogue.commits()`
 */
import type { Filesystem } from './filesystem.ts'

/** Where the database does not say by itself that others have committed, nothing is. */
export function isFollowed(fs: Pick<Filesystem, 'catchingUp' | 'catalogue'>): boolean {
	return fs.catchingUp === undefined && !fs.catalogue.isChangedElsewhere()
}

export function isBehind(fs: Pick<Filesystem, 'catchingUp' | 'catalogue' | 'capabilities'>): boolean {
	return fs.capabilities.synchronous && !isFollowed(fs)
}

/** Across a socket that is whenever anybody else is alive: to know it would be a question. */
export function mayBeBehind(fs: Pick<Filesystem, 'catchingUp' | 'catalogue' | 'capabilities' | 'shared'>): boolean {
	return isBehind(fs) || (fs.shared && !fs.capabilities.synchronous)
}
