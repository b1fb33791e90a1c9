/**
 * libfuse has no word for a file that is open and has no name: it renames what is unlinked while open to `.fuse_hidden...`,
 * goes on under that name, and unlinks it after the last close. Here the file loses its name at once, as POSIX wants, and
 * only this memory knows what libfuse calls it.
 */
import type { FileId } from '../../core/ids.ts'

const HIDDEN = /^\.fuse_hidden[0-9a-f]{16}$/

export interface Hidden {
	/** Whether this rename is libfuse hiding a file. The file must also be open here. */
	isHiding(from: string, to: string): boolean
	add(path: string, id: FileId): void
	find(path: string): FileId | undefined
	/** The file is closed. */
	remove(id: FileId): void
}

/** By name alone: libfuse numbers them through, and the directory may be renamed meanwhile. */
export function createHidden(): Hidden {
	const ids = new Map<string, FileId>()
	return {
		isHiding: (from, to) => HIDDEN.test(nameOf(to)) && directoryOf(from) === directoryOf(to),
		add: (path, id) => void ids.set(nameOf(path), id),
		find: (path) => (ids.size === 0 ? undefined : ids.get(nameOf(path))),
		remove(id) {
			if (ids.size === 0) return
			for (const [name, known] of ids) if (known === id) ids.delete(name)
		},
	}
}

function nameOf(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1)
}

function directoryOf(path: string): string {
	return path.slice(0, path.lastIndexOf('/'))
}
