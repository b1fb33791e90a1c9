/** Something that offers a directory tree to work in. One file per kind; index.ts lists what a run compares. */
import type { Bench } from '../bench.ts'

export interface System {
	readonly name: string
	readonly title: string
	/** Systems of one group take turns; the network ones do fewer rows. */
	readonly group: 'local' | 'network'
	/** The part of the work a very slow one does: rates are compared, not times. */
	readonly share: number
	/** `folder` is an empty directory of the system's own on the disk under test. Throws with the reason when it cannot be had here. */
	start(bench: Bench, folder: string): Promise<Running>
}

export interface Running {
	/** The tree. Only children touch it. */
	readonly root: string
	/** A plain directory where files may be put to be found in the tree: far faster than through a slow one. */
	readonly source?: string
	/** Options and versions worth printing. */
	readonly facts: string
	/** Of the daemon, where there is one. */
	readonly pid?: number
	stop(): Promise<void>
}
