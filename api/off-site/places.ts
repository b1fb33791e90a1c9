/** Paths as they travel. */
import type { Path } from '../../core/ids.ts'
import { namesOfPath } from '../../core/filesystem/resolve.ts'
import { badRequest } from './failure.ts'

export function shownPath(path: Uint8Array): { path64: string; path: string } {
	const bytes = Buffer.from(path.buffer, path.byteOffset, path.byteLength)
	return { path64: bytes.toString('base64'), path: bytes.toString('utf8') }
}

/** One without anything that could lead elsewhere. */
export function readPath(path64: string): Path {
	const path = Buffer.from(path64, 'base64')
	try {
		const names = namesOfPath(path)
		if (Buffer.concat(names.flatMap((name, index) => (index === 0 ? [name] : [SLASH, name]))).equals(path) && path.length > 0) return path
	} catch {
		// Said below.
	}
	throw badRequest('path64: not the path of a file: names separated by /, none of them . or ..')
}

const SLASH = Buffer.from('/')
