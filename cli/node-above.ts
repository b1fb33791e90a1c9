/** Whatever lies in a node is a part of its tree, or becomes one: of this catalogue or another, by whatever way a path leads there. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The node that a directory is, or lies in. */
export function nodeAbove(path: string): string | undefined {
	for (let at = path; at !== dirname(at); at = dirname(at)) if (existsSync(join(at, '.cairn/node.json'))) return at
	return undefined
}
