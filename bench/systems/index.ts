import { cairnFuseNative, cairnMariadb, cairnSqlite } from './cairn.ts'
import { disk } from './disk.ts'
import { mergerfs } from './mergerfs.ts'
import { cairnSshfs, mergerfsSshfs } from './network.ts'
import type { System } from './system.ts'

/** In the order in which they take turns. */
export const systems: readonly System[] = [
	disk,
	mergerfs,
	cairnSqlite,
	cairnMariadb,
	cairnFuseNative,
	mergerfsSshfs,
	cairnSshfs,
]
