/**
 * The disk that copies are made on, synced as a whole: whoever waits at the same time waits for the same sync, and the others go on copying
 * meanwhile.
 */
import { constants } from 'node:fs'
import { Errno } from '../../core/errors.ts'
import { close, syncfs } from '../../core/libc.ts'
import { O_CLOEXEC, openBeneath } from '../../core/nodes/beneath.ts'
import type { Node } from '../../core/nodes/node.ts'
import { openRoot } from '../../core/nodes/root.ts'

export interface TargetDisk {
	/** To be asked before anything is written. */
	mark(): number
	/** What was written before the call is on the disk. EIO where something that was written since the mark may not be. */
	synced(mark: number): Promise<void>
	end(): void
}

/** A descriptor hears of the failures to write since it was opened, of each once. */
export function openTargetDisk({ root, row }: Node): TargetDisk {
	const own = openRoot(root)
	own.identify(row.uuid)
	const fd = openBeneath(own.descriptor(), Buffer.alloc(0), 0, constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC, 0)
	own.close()
	let failures = 0
	let running: Promise<void> | undefined
	let next: Promise<void> | undefined

	async function sync(): Promise<void> {
		if ((await syncfs(fd)) === -1) failures++
	}

	/** One that has begun may have passed by what was written last. */
	function nextSync(): Promise<void> {
		next ??= (running ?? Promise.resolve()).then(() => {
			next = undefined
			running = sync()
			return running
		})
		return next
	}

	return {
		mark: () => failures,
		async synced(mark) {
			await nextSync()
			if (failures !== mark) throw new Errno('EIO', 'something that was written did not reach the disk')
		},
		end: () => close(fd),
	}
}
