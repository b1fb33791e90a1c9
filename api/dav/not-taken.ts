/** What a resource does not take, and what it does (RFC 9110, 15.5.6). */
import { KIND } from '../../core/catalogue/files.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { HttpError } from '../errors.ts'

const ANYTHING = 'OPTIONS, PROPFIND, PROPPATCH, DELETE, COPY, MOVE, LOCK, UNLOCK'

/** `there` is what has the path; undefined where nothing has, and a collection is asked for. */
export function notTaken(message: string, there: Pick<LocatedRow, 'kind'> | undefined): HttpError {
	const allow = !there ? 'OPTIONS, MKCOL' : there.kind === KIND.directory ? ANYTHING : `${ANYTHING}, GET, HEAD, PUT`
	return new HttpError(405, message, { allow })
}
