/** Files on their way to being open for writing: their pins may stand already, and are not left by anybody. */
import type { FileId } from '../ids.ts'
import type { Op } from '../op.ts'
import type { Filesystem } from './filesystem.ts'

export function* whileOpening<T>({ opening }: Filesystem, id: FileId, work: Op<T>): Op<T> {
	opening.set(id, (opening.get(id) ?? 0) + 1)
	try {
		return yield* work
	} finally {
		const others = (opening.get(id) ?? 1) - 1
		if (others > 0) opening.set(id, others)
		else opening.delete(id)
	}
}

/** Nobody here writes to the file, or is about to, but the one who asks. */
export function isLastToOpen({ opening, open }: Filesystem, id: FileId): boolean {
	return (opening.get(id) ?? 0) <= 1 && (open.get(id)?.writers ?? 0) === 0
}

/** Nobody here writes to the file, or is about to. */
export function isUnused({ opening, open }: Filesystem, id: FileId): boolean {
	return !opening.has(id) && (open.get(id)?.writers ?? 0) === 0
}
