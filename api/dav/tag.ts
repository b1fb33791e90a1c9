/**
 * Tags as WebDAV has them: which version of which file it is. A client that mounts keeps files and takes another tag for another
 * content, so it may not change when the hash becomes known; and there are clients that have no room for a tag of 64 letters.
 */
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { versionTag } from '../content/validators.ts'

export function withTag(row: LocatedRow): LocatedRow {
	return { ...row, tag: versionTag(row) }
}
