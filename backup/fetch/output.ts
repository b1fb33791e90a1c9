/** What comes is written at once: while it is still near the processor, copying it costs a third. */
import fs from 'node:fs'

/** Whoever hashes is told this often. */
const TOLD_BYTES = 1024 * 1024
/** The disk begins to write while the file still comes. */
const WRITE_OUT_BYTES = 32 * 1024 * 1024

export interface Output {
	/** In the file; what a full disk did not take is no part of it. */
	written(): number
	write(part: Buffer): void
	/** No more comes. */
	end(): Promise<void>
}

export function openOutput(fd: number, from: number, onWritten: (bytes: number) => void): Output {
	let written = from
	let syncing: Promise<void> | undefined

	/** What it says of the disk is said again to whoever syncs the whole. */
	function sync(): Promise<void> {
		return new Promise((resolve) =>
			fs.fdatasync(fd, () => {
				syncing = undefined
				resolve()
			}),
		)
	}

	return {
		written: () => written,
		write(part) {
			const before = written
			for (let done = 0; done < part.length; ) {
				const count = fs.writeSync(fd, part, done, part.length - done, written)
				done += count
				written += count
			}
			const passed = (bytes: number) => Math.floor(before / bytes) < Math.floor(written / bytes)
			if (passed(TOLD_BYTES)) onWritten(written)
			if (passed(WRITE_OUT_BYTES)) syncing ??= sync()
		},
		async end() {
			onWritten(written)
			await syncing
		},
	}
}
