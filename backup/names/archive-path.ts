/**
 * A path of the archive as its names, or why it cannot be one. What a server says is data: nothing of it reaches the filesystem
 * before it has been through here.
 */
import { mergesNames, type Platform } from './platform.ts'
import { plainName } from './local-names.ts'

const NAME_BYTES_MAX = 255
const PATH_BYTES_MAX = 16_384
const DEPTH_MAX = 512
const SLASH = 0x2f

export type Names = readonly Buffer[]

export class BadPath extends Error {}

export function namesOf(path: Buffer, platform: Platform): Names {
	if (path.length === 0) throw new BadPath('an empty path')
	if (path.length > PATH_BYTES_MAX) throw new BadPath(`a path of ${path.length} bytes`)
	if (path.includes(0)) throw new BadPath('a NUL byte')
	const names: Buffer[] = []
	for (let from = 0; from <= path.length; ) {
		const slash = path.indexOf(SLASH, from)
		const to = slash === -1 ? path.length : slash
		names.push(checkedName(path.subarray(from, to), platform))
		from = to + 1
	}
	if (names.length > DEPTH_MAX) throw new BadPath(`${names.length} directories deep`)
	return names
}

function checkedName(name: Buffer, platform: Platform): Buffer {
	const text = name.toString('latin1')
	if (text === '') throw new BadPath('an empty name in the path')
	if (text === '.' || text === '..') throw new BadPath(`'${text}' in the path`)
	if (name.length > NAME_BYTES_MAX) throw new BadPath(`a name of ${name.length} bytes`)
	if (!fits(plainName(name, platform), platform)) throw new BadPath('a name that is too long for this system')
	return name
}

/** Whether a directory can have a name of that length: 255 bytes, or 255 units of UTF-16. */
export function fits(local: Buffer, platform: Platform): boolean {
	return (mergesNames(platform) ? local.toString('utf8').length : local.length) <= NAME_BYTES_MAX
}


export function joined(names: Names): Buffer {
	return Buffer.from(names.map((name) => name.toString('latin1')).join('/'), 'latin1')
}
