/** Files on their way to being open for writing: their pins may stand already, and are not left by anybody. */
import * as writers from '../catalogue/writers.ts'
import { CatalogueError } from '../errors.ts'
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

/** The same of one that is there. Whoever closed it meanwhile has left the pin to this one, which gives it up should it fail. */
export function* whileOpeningAgain<T>(fs: Filesystem, id: FileId, work: Op<T>): Op<T> {
	try {
		return yield* whileOpening(fs, id, work)
	} catch (error) {
		// Where the catalogue does not say what was done, it is found out first.
		if (error instanceof CatalogueError) fs.mayHaveLeftPins = true
		else if (isUnused(fs, id)) fs.later.add(writers.removeQuery(id, fs.client))
		throw error
	}
}

/** Nobody but the one who is opening it here needs its pin. */
export function isAlone({ opening, open }: Filesystem, id: FileId): boolean {
	return opening.get(id) === 1 && (open.get(id)?.writers ?? 0) === 0
}

/** Nobody here writes to the file, or is about to. */
export function isUnused({ opening, open }: Filesystem, id: FileId): boolean {
	return !opening.has(id) && (open.get(id)?.writers ?? 0) === 0
}
