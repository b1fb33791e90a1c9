/**
 * Who lists directories, and whether he wants more than names. The kernel asks for attributes with the first part of every
 * listing, and making them, and an inode of each, costs several times what a name does. `ls -l` uses them all, `find` none.
 * So a process gets attributes with its first directory; in the next ones it gets them if it looked up, one by one, files of
 * a directory it had listed without. Directories always come with their attributes: every walker wants those.
 */
const LISTERS_MAX = 256

interface Lister {
	/** The last directory that was listed without attributes. */
	bare: number
	wants: boolean
}

export interface Listers {
	/** At the beginning of a listing: whether to send attributes of files. */
	wantsAttributes(pid: number, directory: number): boolean
	/** A file of the directory was looked up by name. */
	lookedUp(pid: number, directory: number): void
}

export function createListers(): Listers {
	const listers = new Map<number, Lister>()
	return {
		wantsAttributes(pid, directory) {
			const known = listers.get(pid)
			if (known) {
				known.bare = known.wants ? 0 : directory
				return known.wants
			}
			if (listers.size >= LISTERS_MAX) listers.clear()
			listers.set(pid, { bare: 0, wants: false })
			return true
		},
		lookedUp(pid, directory) {
			const known = listers.get(pid)
			if (known && known.bare === directory) known.wants = true
		},
	}
}
