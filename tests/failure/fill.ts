/** Runs in hands: programs that write until there is no room, and remember what was acknowledged. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import * as libc from '../support/libc.ts'

const CHUNK_BYTES = 256 * 1024

function chunk(number: number, length = CHUNK_BYTES): Buffer {
	const data = Buffer.alloc(length)
	for (let at = 0; at < length; at++) data[at] = (Math.imul(at + number * 7919, 2_654_435_761) >>> 24) & 0xff
	return data
}

/** The one error there may be. */
function withoutRoom(call: () => unknown): boolean {
	try {
		call()
		return false
	} catch (error) {
		assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
		return true
	}
}

/** One file, chunk by chunk, until ENOSPC: its size is what was acknowledged, its content what was written. */
export function fillOneFile(path: string, flags: 'w' | 'a'): number {
	const fd = fs.openSync(path, flags)
	let acknowledged = 0
	for (let number = 0; ; number++) {
		const data = chunk(number)
		const full = withoutRoom(() => {
			for (let at = 0; at < data.length; ) {
				const some = fs.writeSync(fd, data, at)
				at += some
				acknowledged += some
			}
		})
		if (full) break
	}
	withoutRoom(() => fs.fsyncSync(fd))
	assert.equal(fs.fstatSync(fd).size, acknowledged)
	fs.closeSync(fd)
	assert.equal(fs.statSync(path).size, acknowledged)
	verifyOneFile(path, acknowledged)
	return acknowledged
}

export function verifyOneFile(path: string, length: number): void {
	const content = fs.readFileSync(path)
	assert.equal(content.length, length)
	for (let at = 0; at < length; at += CHUNK_BYTES) {
		const expected = chunk(at / CHUNK_BYTES).subarray(0, length - at)
		assert.ok(content.subarray(at, at + CHUNK_BYTES).equals(expected), `the chunk at ${at} is not what was written`)
	}
}

/** Sparse growth takes no room; what is then written into the hole may fail, and leaves the rest alone. */
export function fillHole(path: string, size: number): void {
	const fd = fs.openSync(path, 'w+')
	fs.writeSync(fd, 'head', 0)
	fs.ftruncateSync(fd, size)
	let position = 4096
	while (position < size && !withoutRoom(() => fs.writeSync(fd, chunk(1), 0, CHUNK_BYTES, position))) position += CHUNK_BYTES
	assert.ok(position < size, 'the disk was to be full')
	assert.equal(fs.fstatSync(fd).size, size)
	const head = Buffer.alloc(4)
	fs.readSync(fd, head, 0, 4, 0)
	assert.equal(head.toString(), 'head')
	assert.ok(withoutRoom(() => libc.fallocate(fd, 0, 0, size)))
	fs.closeSync(fd)
	assert.equal(fs.statSync(path).size, size)
}

/** Files of a megabyte until there is no room; those that were closed are whole. */
export function fillWithFiles(root: string): { name: string; hash: string }[] {
	const whole: { name: string; hash: string }[] = []
	for (let number = 0; ; number++) {
		const name = `fill-${number}`
		const data = chunk(number, 1024 * 1024)
		if (withoutRoom(() => fs.writeFileSync(join(root, name), data))) {
			fs.rmSync(join(root, name), { force: true })
			return whole
		}
		whole.push({ name, hash: createHash('sha256').update(data).digest('hex') })
	}
}

export function verifyFiles(root: string, whole: { name: string; hash: string }[]): void {
	for (const { name, hash } of whole) {
		assert.equal(createHash('sha256').update(fs.readFileSync(join(root, name))).digest('hex'), hash, name)
	}
}
