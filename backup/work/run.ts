/** What every action works with. */
import type { Throttle } from '../../core/off-site/throttle.ts'
import type { Folder } from '../folder/folder.ts'
import type { Memory } from '../folder/memory.ts'
import type { Watcher } from '../screen/watcher.ts'
import type { Client } from '../wire/client.ts'
import type { Hello } from './hello.ts'

export interface Run {
	readonly folder: Folder
	readonly client: Client
	readonly memory: Memory
	readonly watcher: Watcher
	readonly reserveBytes: number
	readonly isDirectAllowed: boolean
	hello: Hello
	/** Of what comes past the server, which cannot hold it back. */
	readonly throttle: Throttle
	/** The server can send several files in one answer, as far as is known. */
	hasBundles: boolean
	/** Files that were left, whatever the reason. */
	left: number
	/** Files for which there was no room. */
	noRoom: number
}

/** Names it and goes on. */
export function leave(run: Run, path: string, why: string): void {
	run.left++
	run.watcher.trouble(path, why)
}
