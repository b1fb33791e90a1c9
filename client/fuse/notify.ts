/**
 * Telling the kernel what it must forget. Not from the thread that answers requests, but for one case: the kernel takes the
 * lock of the parent directory, and a caller in that directory may hold it while waiting for our answer. So notifications are
 * written by the thread pool, one at a time and in order.
 */
import { write } from 'node:fs'
import { errno, errnoName, write as writeNow } from '../../core/libc.ts'
import { putNumber64 } from './encode.ts'
import { NOTIFY, OUT_HEADER_BYTES } from './protocol.ts'

/** FUSE_EXPIRE_ONLY. Before Linux 6.2 the kernel drops the name instead. */
const EXPIRE_ONLY = 1

export interface Notifier {
	/** Attributes, and content too unless `attributesOnly`. */
	inode(id: number, attributesOnly: boolean): void
	entry(parent: number, name: Uint8Array): void
	/** What is at the name is asked for once more, and stays where it is what is there: a directory may be the one somebody works in. */
	doubt(parent: number, name: Uint8Array): void
	/** Something is on its way to the kernel. */
	isTelling(): boolean
	/** And among it what is doubted. */
	isDoubting(): boolean
	/**
	 * Done when it returns. No lock is taken for attributes alone; an inode on its way out would be waited for, and so this is only
	 * for one that the caller of the request being served has open.
	 */
	attributesAtOnce(id: number): void
}

export function createNotifier(fd: number, report: (line: string) => void): Notifier {
	let chain: Promise<void> = Promise.resolve()
	let waiting = 0
	let doubted = 0

	function later(message: Buffer): Promise<void> {
		waiting++
		chain = chain.then(() => deliver(message)).then(() => void waiting--)
		return chain
	}

	function deliver(message: Buffer): Promise<void> {
		return new Promise((resolve) => {
			write(fd, message, 0, message.length, null, (error) => {
				if (error) complain(error.code ?? '')
				resolve()
			})
		})
	}

	/** ENOENT: the kernel did not have it. ENODEV, EBADF: the mount is going. */
	function complain(code: string): void {
		if (!['ENOENT', 'ENODEV', 'EBADF', 'ENOTCONN'].includes(code)) report(`notification: ${code}`)
	}

	return {
		inode: (id, attributesOnly) => void later(inodeMessage(id, attributesOnly)),
		attributesAtOnce(id) {
			const message = inodeMessage(id, true)
			if (writeNow(fd, message, message.length) === -1) complain(errnoName(errno()))
		},
		isTelling: () => waiting > 0,
		isDoubting: () => doubted > 0,
		entry: (parent, name) => void later(entryMessage(parent, name, 0)),
		doubt(parent, name) {
			doubted++
			void later(entryMessage(parent, name, EXPIRE_ONLY)).then(() => void doubted--)
		},
	}
}

function inodeMessage(id: number, attributesOnly: boolean): Buffer {
	const body = Buffer.alloc(24)
	const view = new DataView(body.buffer, body.byteOffset)
	putNumber64(view, 0, id)
	putNumber64(view, 8, attributesOnly ? -1 : 0)
	putNumber64(view, 16, 0)
	return messageOf(NOTIFY.INVAL_INODE, body)
}

function entryMessage(parent: number, name: Uint8Array, flags: number): Buffer {
	const body = Buffer.alloc(16 + name.length + 1)
	const view = new DataView(body.buffer, body.byteOffset)
	putNumber64(view, 0, parent)
	view.setUint32(8, name.length, true)
	view.setUint32(12, flags, true)
	body.set(name, 16)
	return messageOf(NOTIFY.INVAL_ENTRY, body)
}

function messageOf(code: number, body: Buffer): Buffer {
	const message = Buffer.alloc(OUT_HEADER_BYTES + body.length)
	message.writeUInt32LE(message.length, 0)
	message.writeInt32LE(code, 4)
	body.copy(message, OUT_HEADER_BYTES)
	return message
}
