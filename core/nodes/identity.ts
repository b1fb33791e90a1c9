/**
 * `root/.cairn/node.json` says which node a directory is. Its absence means that this is not the node, perhaps the empty
 * mount point of one.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, UserError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import { makeWithParents } from '../make-directory.ts'
import { syncPath } from '../sync-path.ts'

export interface Identity {
	uuid: string
	name: string
}

const PRIVATE_DIRECTORY = 0o700

/** What stands in the file, or undefined where there is none. Throws where it cannot be read or makes no sense. */
export function readIdentity(root: string): Identity | undefined {
	const text = readIfThere(join(root, '.cairn', 'node.json'))
	if (text === undefined) return undefined
	const identity = parse(text)
	if (identity === undefined) throw new UserError(`${root}/.cairn/node.json is not a node's identity file`, EXIT.identity)
	return identity
}

/** Makes `root` the node's directory; refuses one that is another node's. */
export function writeIdentity(root: string, identity: Identity): void {
	const found = readIdentity(root)
	if (found !== undefined && found.uuid !== identity.uuid) {
		throw new UserError(`${root} is already the node '${found.name}' (${found.uuid})`, EXIT.identity)
	}
	const directory = join(root, '.cairn')
	for (const name of ['incoming', 'conflicts']) makeWithParents(join(directory, name), PRIVATE_DIRECTORY)
	const temporary = join(directory, `node.json.${process.pid}`)
	try {
		writeFileSync(temporary, `${JSON.stringify({ uuid: identity.uuid, name: identity.name }, null, '\t')}\n`, { flush: true })
		renameSync(temporary, join(directory, 'node.json'))
	} catch (error) {
		rmSync(temporary, { force: true })
		throw error
	}
	syncPath(directory)
}

/** The identity in the text of a file, or undefined. */
export function parse(text: string): Identity | undefined {
	try {
		const { uuid, name } = JSON.parse(text) as Partial<Identity>
		return typeof uuid === 'string' && typeof name === 'string' ? { uuid, name } : undefined
	} catch (error) {
		if (error instanceof SyntaxError || error instanceof TypeError) return undefined
		throw error
	}
}

function readIfThere(path: string): string | undefined {
	try {
		return readFileSync(path, 'utf8')
	} catch (error) {
		if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
		throw error
	}
}
