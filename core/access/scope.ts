/** The part of the tree somebody may reach: paths from its root, or all of it. */
import type { Path } from '../ids.ts'

/** Undefined: the whole tree. */
export type Scope = readonly Path[] | undefined

const SLASH = 0x2f
const NEWLINE = 0x0a

export function covers(scope: Scope, path: Path): boolean {
	return scope === undefined || scope.some((top) => isWithin(path, top))
}

function isWithin(path: Path, top: Path): boolean {
	if (top.length === 0) return true
	if (path.length < top.length || path.compare(top, 0, top.length, 0, top.length) !== 0) return false
	return path.length === top.length || path[top.length] === SLASH
}

/** `/a/b/`, `a//b` and `a/b` are the same place. */
export function toTop(path: string): Path {
	return Buffer.from(path.split('/').filter((name) => name !== '').join('/'))
}

export function toLines(scope: Scope): Buffer {
	return Buffer.concat((scope ?? []).flatMap((top) => [top, Buffer.of(NEWLINE)]))
}

export function fromLines(lines: Uint8Array): Scope {
	if (lines.length === 0) return undefined
	const scope: Path[] = []
	for (let from = 0, to = lines.indexOf(NEWLINE); to !== -1; from = to + 1, to = lines.indexOf(NEWLINE, from)) scope.push(Buffer.from(lines.subarray(from, to)))
	return scope
}
