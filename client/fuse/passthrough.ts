/**
 * Handing backing files to the kernel. All opens of one inode that overlap in time must be passthrough to the same backing
 * inode, or none: so there is one backing id per open file, and an open that must not use it (the content it needs is in
 * another file, or a write has to pass here) is registered with it all the same and flagged DIRECT_IO, which brings its
 * reads and writes here.
 */
import { errno, errnoName } from '../../core/libc.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { IOCTL_BACKING_CLOSE, IOCTL_BACKING_OPEN, OPENED } from './protocol.ts'
import { ioctl } from './system-calls.ts'

export interface Granted {
	/** For the reply to OPEN or CREATE. */
	flags: number
	backingId: number
	/** Reads and writes do not come here. */
	passedThrough: boolean
}

export interface Passthrough {
	/** For an open of `file`; `carry` where its data has to pass through this process. */
	grant(file: OpenFile, carry: boolean): Granted
	/** The open is over. */
	drop(id: number): void
}

interface Backing {
	id: number
	file: OpenFile
	opens: number
}

const CARRIED: Granted = { flags: 0, backingId: 0, passedThrough: false }

export function createPassthrough(fuse: number, allowed: () => boolean, report: (line: string) => void): Passthrough {
	const backings = new Map<number, Backing>()
	/** Opens of an inode that are not passthrough: as long as there are any, none may be. */
	const carried = new Map<number, number>()
	/** Nodes whose filesystem cannot be a backing (stacked too deep, or of an unusual kind). */
	const unable = new Set<number>()
	const argument = Buffer.alloc(16)

	function register(file: OpenFile): number | undefined {
		argument.fill(0)
		argument.writeInt32LE(file.fd, 0)
		const id = ioctl(fuse, IOCTL_BACKING_OPEN, argument)
		if (id > 0) return id
		const code = errnoName(errno())
		unable.add(file.node.id)
		report(`node ${file.node.name}: the kernel cannot read and write its files itself (${code}); data is carried by this process`)
		return undefined
	}

	function begin(file: OpenFile): Granted {
		const id = register(file)
		if (id === undefined) return beginCarried(file)
		backings.set(file.id, { id, file, opens: 1 })
		file.lent = true
		return { flags: OPENED.PASSTHROUGH, backingId: id, passedThrough: true }
	}

	function beginCarried(file: OpenFile): Granted {
		carried.set(file.id, (carried.get(file.id) ?? 0) + 1)
		return CARRIED
	}

	return {
		grant(file, carry) {
			const backing = backings.get(file.id)
			if (backing) {
				backing.opens++
				if (backing.file === file && !carry) return { flags: OPENED.PASSTHROUGH, backingId: backing.id, passedThrough: true }
				return { flags: OPENED.PASSTHROUGH | OPENED.DIRECT_IO, backingId: backing.id, passedThrough: false }
			}
			const able = allowed() && file.node.passthrough && !unable.has(file.node.id)
			return !able || carry || carried.has(file.id) ? beginCarried(file) : begin(file)
		},
		drop(id) {
			const backing = backings.get(id)
			if (backing) {
				if (--backing.opens > 0) return
				backings.delete(id)
				backing.file.lent = false
				argument.writeUInt32LE(backing.id, 0)
				ioctl(fuse, IOCTL_BACKING_CLOSE, argument)
				return
			}
			const opens = (carried.get(id) ?? 1) - 1
			if (opens > 0) carried.set(id, opens)
			else carried.delete(id)
		},
	}
}
