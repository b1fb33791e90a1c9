/** The tag of an object: the CRC-32C of what was uploaded, as with SeaweedFS. */
import type { FoundObject } from '../../core/catalogue/objects.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { formatCrc } from './crc32c.ts'

/** Content that came some other way has the tag that any file has. */
export function withTag(row: LocatedRow, object: Pick<FoundObject, 'crc' | 'crc_version'>): LocatedRow {
	return { ...row, tag: object.crc_version === row.version ? `"${formatCrc(object.crc)}"` : undefined }
}
