/**
 * For a mount whose catalogue is across a socket, directories that this client made and alone has changed since: all names that may be in them are
 * known, so one that is not among them is not there. Before a program makes a file the kernel asks whether it exists; whoever unpacks or copies a
 * tree makes its directories first. Not for doors: nobody waits until they have heard of a change.
 */
import type { FileId, Name } from '../ids.ts'

const DIRECTORIES_MAX = 64
const NAMES_MAX = 4_096

export interface WholeNames {
	/** A new directory. */
	add(directory: FileId): void
	/** A name came. One that went may stay: it is asked for then. */
	put(directory: FileId, name: Name): void
	lacks(directory: FileId, name: Name): boolean
	forgetDirectory(directory: FileId): void
	forget(): void
}

export function createWholeNames(): WholeNames {
	const directories = new Map<FileId, Set<string>>()
	return {
		add(directory) {
			if (directories.size >= DIRECTORIES_MAX) directories.delete(directories.keys().next().value as FileId)
			directories.set(directory, new Set())
		},
		put(directory, name) {
			const names = directories.get(directory)
			if (!names) return
			if (names.size >= NAMES_MAX) directories.delete(directory)
			else names.add(keyOf(name))
		},
		lacks(directory, name) {
			const names = directories.get(directory)
			return names !== undefined && !names.has(keyOf(name))
		},
		forgetDirectory: (directory) => void directories.delete(directory),
		forget: () => directories.clear(),
	}
}

function keyOf(name: Name): string {
	return name.toString('latin1')
}
