/** How much of the disk is free, without asking it for every small file. */
import type { Folder } from '../folder/folder.ts'

const ASK_AFTER_BYTES = 64 * 1024 * 1024
const ASK_AFTER_MS = 500

export interface Room {
	/** What would be left with so many more. Those on their way count in full, even what of them is on the disk already. */
	afterBytes(bytes: number): number
	begin(bytes: number): void
	end(bytes: number): void
}

export function openRoom(folder: Pick<Folder, 'freeBytes'>): Room {
	let freeBytes = 0
	let askedMs = Number.NEGATIVE_INFINITY
	let sinceBytes = 0
	let underWayBytes = 0

	return {
		afterBytes(bytes) {
			if (sinceBytes > ASK_AFTER_BYTES || performance.now() - askedMs > ASK_AFTER_MS) {
				freeBytes = folder.freeBytes()
				askedMs = performance.now()
				sinceBytes = 0
			}
			return freeBytes - sinceBytes - underWayBytes - bytes
		},
		begin(bytes) {
			underWayBytes += bytes
		},
		end(bytes) {
			underWayBytes -= bytes
			sinceBytes += bytes
		},
	}
}
