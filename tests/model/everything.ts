/** Runs in hands: a tree in the form the model gives itself in. */
import fs from 'node:fs'
import { join } from 'node:path'

/** Names at the root that begin so are not of the tree that is compared. */
export const BARRIER = '.barrier-'

export function everythingBelow(root: string): Map<string, string | Buffer> {
	const all = new Map<string, string | Buffer>()
	const visit = (directory: string, prefix: string) => {
		for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
			if (prefix === '' && entry.name.startsWith(BARRIER)) continue
			const path = join(directory, entry.name)
			all.set(prefix + entry.name, contentOf(path, entry))
			if (entry.isDirectory()) visit(path, `${prefix}${entry.name}/`)
		}
	}
	visit(root, '')
	return all
}

function contentOf(path: string, entry: fs.Dirent): string | Buffer {
	if (entry.isDirectory()) return 'directory'
	return entry.isSymbolicLink() ? `-> ${fs.readlinkSync(path)}` : fs.readFileSync(path)
}
