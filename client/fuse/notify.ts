/**
 * Telling the kernel what it must forget. Never from the thread that answers requests: the kernel takes the lock of the
 * parent directory, and a caller in that directory may hold it while waiting for our answer. So notifications are written
 * by the thread pool, one at a time and in order.
 */
import { write } from 'node:fs'
import { putNumber64 } from './encode.ts'
import { NOTIFY, OUT_HEADER_BYTES } from './protocol.ts'

export interface Notifier {
	/** Attributes, and content too unless `attributesOnly`. */
	inode(id: number, attributesOnly: boolean): void
	entry(parent: number, name: Uint8Array): void
}

export function createNotifier(fd: number, report: (line: string) => void): Notifier {
	let chain: Promise<void> = Promise.resolve()

	function send(code: number, body: Buffer): void {
		const message = Buffer.alloc(OUT_HEADER_BYTES + body.length)
		message.writeUInt32LE(message.length, 0)
		message.writeInt32LE(code, 4)
		body.copy(message, OUT_HEADER_BYTES)
		chain = chain.then(() => deliver(message))
	}

	function deliver(message: Buffer): Promise<void> {
		return new Promise((resolve) => {
			write(fd, message, 0, message.length, null, (error) => {
				// ENOENT: the kernel did not have it. ENODEV, EBADF: the mount is going.
				if (error && !['ENOENT', 'ENODEV', 'EBADF', 'ENOTCONN'].includes(error.code ?? '')) report(`notification: ${error.code}`)
				resolve()
			})
		})
	}

	return {
		inode(id, attributesOnly) {
			const body = Buffer.alloc(24)
			const view = new DataView(body.buffer, body.byteOffset)
			putNumber64(view, 0, id)
			putNumber64(view, 8, attributesOnly ? -1 : 0)
			putNumber64(view, 16, 0)
			send(NOTIFY.INVAL_INODE, body)
		},
		entry(parent, name) {
			const body = Buffer.alloc(16 + name.length + 1)
			const view = new DataView(body.buffer, body.byteOffset)
			putNumber64(view, 0, parent)
			view.setUint32(8, name.length, true)
			body.set(name, 16)
			send(NOTIFY.INVAL_ENTRY, body)
		},
	}
}
