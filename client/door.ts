/** The FUSE door as the operations in this folder see it. */
import { NEGATIVE_ALONE_SECONDS } from '../core/filesystem/announce.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import type { Place } from '../core/filesystem/names.ts'
import type { FileId } from '../core/ids.ts'
import { type AskedAgain, createAskedAgain } from './asked-again.ts'
import type { Validity } from './fuse/encode.ts'
import type { Agreed } from './fuse/init.ts'
import type { Handler } from './fuse/session.ts'
import { createHandles, type Handles } from './handles.ts'
import { createListers, type Listers } from './listers.ts'
import { createListings, type Listings } from './listing.ts'
import type { Passthrough } from './fuse/passthrough.ts'

export interface Door {
	readonly fs: Filesystem
	readonly handles: Handles
	readonly listings: Listings
	readonly listers: Listers
	readonly askedAgain: AskedAgain
	readonly passthrough: Passthrough
	readonly agreed: Agreed
	/** The kernel drops the listing of a directory that it keeps. */
	readonly forgetListing: (directory: FileId) => void
	/** The kernel asks for them again, from now on and before the request is answered. Only of a file that the caller holds open. */
	readonly forgetAttributes: (file: FileId) => void
	/** The kernel has yet to hear of something that others changed. */
	readonly isTelling: () => boolean
	/** The kernel asks again what the name leads to, when it is used next. */
	readonly doubtName: (place: Place) => void
	/** It has yet to hear that it is to. */
	readonly isDoubting: () => boolean
	readonly validity: { entry: Validity; attributes: Validity; negative: () => Validity }
}

export type Operation = (door: Door) => Handler

const WHILE_WRITTEN: Validity = { seconds: 1, nanoseconds: 0 }
const NONE: Validity = { seconds: 0, nanoseconds: 0 }
/** Alone, a missing name may be remembered this long: another client may join and create it. */
const NEGATIVE_ALONE: Validity = { seconds: NEGATIVE_ALONE_SECONDS, nanoseconds: 0 }

type Kernel = Pick<Door, 'passthrough' | 'agreed' | 'forgetListing' | 'forgetAttributes' | 'isTelling' | 'doubtName' | 'isDoubting'>

export function createDoor(fs: Filesystem, kernel: Kernel): Door {
	const lasting: Validity = { seconds: fs.config.mount.cacheSeconds, nanoseconds: 0 }
	return {
		...kernel,
		fs,
		handles: createHandles(),
		listings: createListings(),
		listers: createListers(),
		askedAgain: createAskedAgain(fs, kernel.isDoubting),
		validity: {
			entry: lasting,
			attributes: lasting,
			// What another client may create at any moment must be asked for each time.
			negative: () => (fs.shared ? NONE : NEGATIVE_ALONE),
		},
	}
}

/**
 * The backing file of what is open for writing changes without a word to this process. The kernel knows when a write(2) of
 * its own made its attributes old; this is for what it does not see, a mapping that is written to.
 */
export function attributeValidity(door: Door, id: number): Validity {
	const open = door.fs.open.get(id)
	return open && open.writers > 0 ? WHILE_WRITTEN : door.validity.attributes
}
