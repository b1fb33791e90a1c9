/** Bits that let a file run as somebody else do not survive a change by anybody who is not root. */
import { setAttributes } from '../../core/filesystem/attributes.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import type { Op } from '../../core/op.ts'
import type { Door } from '../door.ts'

const SET_ID = 0o6000

export function hasSetId({ row }: OpenFile): boolean {
	return (row.mode & SET_ID) !== 0
}

/** A write makes the kernel forget sizes and times, but not the mode. */
export function* clearSetId(door: Door, file: OpenFile, { gid }: { gid: number }): Op<void> {
	if (!hasSetId(file)) return
	yield* setAttributes(door.fs, file.id, { killSetId: { gid } }, file)
	door.forgetAttributes(file.id)
}
