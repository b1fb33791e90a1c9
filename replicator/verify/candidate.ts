/** A copy that may be verified. */
import { KIND } from '../../core/catalogue/files.ts'
import type { CopyRow } from '../../core/catalogue/proofs.ts'

export interface Candidate {
	row: CopyRow
	/** To be read, however it looks. */
	isDue: boolean
}

/** It is to be the content the catalogue speaks of. */
export function canBeVerified({ kind, version, file_version }: CopyRow): boolean {
	return version === file_version && version > 0 && (kind === KIND.regular || kind === KIND.symlink)
}
