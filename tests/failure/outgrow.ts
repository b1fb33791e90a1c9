/** Runs in hands: the ways in which a file can outgrow its node. Each leaves the file as it says it should be now. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { report } from '../support/hands-process.ts'
import * as libc from '../support/libc.ts'

const MEGABYTE = 1024 * 1024
/** More than the small node has, less than the large one. */
export const GROWN_MEGABYTES = 40

/** A megabyte unlike every other. */
function block(number: number): Buffer {
	const data = Buffer.alloc(MEGABYTE, `${number} `)
	data.writeUInt32LE(number, 0)
	return data
}

const grown = () => Buffer.concat(Array.from({ length: GROWN_MEGABYTES }, (_, number) => block(number)))

/** What every case starts with: the first megabyte. */
export function begin(path: string): void {
	fs.writeFileSync(path, block(0))
}

function withOpen(path: string, flags: string, body: (fd: number) => void): void {
	const fd = fs.openSync(path, flags)
	try {
		body(fd)
	} finally {
		fs.closeSync(fd)
	}
}

function writeWhole(fd: number, data: Buffer, position: number | null = null): void {
	for (let at = 0; at < data.length; ) at += fs.writeSync(fd, data, at, data.length - at, position === null ? null : position + at)
}

export const ways: Record<string, (path: string) => Buffer> = {
	append(path) {
		withOpen(path, 'a', (fd) => {
			for (let number = 1; number < GROWN_MEGABYTES; number++) writeWhole(fd, block(number))
		})
		return grown()
	},

	'append while a reader has it open'(path) {
		withOpen(path, 'a', (fd) => {
			withOpen(path, 'r', (reader) => {
				for (let number = 1; number < GROWN_MEGABYTES; number++) writeWhole(fd, block(number))
				const last = Buffer.alloc(MEGABYTE)
				fs.readSync(reader, last, 0, MEGABYTE, (GROWN_MEGABYTES - 1) * MEGABYTE)
				assert.ok(last.equals(block(GROWN_MEGABYTES - 1)))
			})
		})
		return grown()
	},

	'pwrite with holes between'(path) {
		const expected = Buffer.alloc((2 * GROWN_MEGABYTES - 1) * MEGABYTE)
		withOpen(path, 'r+', (fd) => {
			for (let number = 0; number < GROWN_MEGABYTES; number++) {
				writeWhole(fd, block(number), 2 * number * MEGABYTE)
				block(number).copy(expected, 2 * number * MEGABYTE)
			}
			assert.ok(fs.fstatSync(fd).blocks * 512 < (GROWN_MEGABYTES + 2) * MEGABYTE, 'the holes were filled')
		})
		return expected
	},

	'a mapping'(path) {
		withOpen(path, 'r+', (fd) => {
			fs.ftruncateSync(fd, GROWN_MEGABYTES * MEGABYTE)
			const mapping = libc.map(fd, GROWN_MEGABYTES * MEGABYTE)
			for (let number = 0; number < GROWN_MEGABYTES; number++) mapping.write(number * MEGABYTE, block(number))
			mapping.sync()
			mapping.close()
		})
		return grown()
	},

	'truncate up, then write at the end'(path) {
		const expected = Buffer.alloc(2 * GROWN_MEGABYTES * MEGABYTE)
		block(0).copy(expected)
		withOpen(path, 'r+', (fd) => {
			fs.ftruncateSync(fd, expected.length)
			for (let number = GROWN_MEGABYTES; number < 2 * GROWN_MEGABYTES; number++) {
				writeWhole(fd, block(number), number * MEGABYTE)
				block(number).copy(expected, number * MEGABYTE)
			}
		})
		return expected
	},

	fallocate(path) {
		const expected = Buffer.alloc(GROWN_MEGABYTES * MEGABYTE)
		block(0).copy(expected)
		withOpen(path, 'r+', (fd) => {
			libc.fallocate(fd, 0, 0, expected.length)
			writeWhole(fd, block(1), expected.length - MEGABYTE)
		})
		block(1).copy(expected, expected.length - MEGABYTE)
		return expected
	},

	cp(path) {
		const source = fs.mkdtempSync(join(tmpdir(), 'cairn-cp-'))
		try {
			fs.writeFileSync(join(source, 'source'), grown())
			execFileSync('cp', [join(source, 'source'), path])
		} finally {
			fs.rmSync(source, { recursive: true })
		}
		return grown()
	},
}

/** In this way, and then the file is byte by byte what it should be. */
export function outgrow(path: string, way: string): void {
	const expected = ways[way](path)
	assert.equal(fs.statSync(path).size, expected.length)
	assert.ok(fs.readFileSync(path).equals(expected), `${way}: the content is not what was written`)
}

/** A file that no name leads to any more grows, too. */
export function outgrowUnlinked(path: string): void {
	withOpen(path, 'r+', (fd) => {
		fs.unlinkSync(path)
		writeWhole(fd, grown(), 0)
		const found = Buffer.alloc(GROWN_MEGABYTES * MEGABYTE)
		assert.equal(fs.readSync(fd, found, 0, found.length, 0), found.length)
		assert.ok(found.equals(grown()))
	})
}

/** Appends until the daemon is gone; tells of every megabyte that was acknowledged. */
export async function appendUntilKilled(path: string): Promise<string> {
	try {
		const fd = fs.openSync(path, 'a')
		for (let number = 1; number < GROWN_MEGABYTES; number++) {
			writeWhole(fd, block(number))
			await report(number + 1)
		}
		return 'not killed'
	} catch (error) {
		return (error as NodeJS.ErrnoException).code as string
	}
}

/** Nothing that was acknowledged is missing or changed. */
export function verifyBeginning(path: string, megabytes: number): void {
	const found = fs.readFileSync(path)
	assert.equal(found.length, fs.statSync(path).size)
	assert.ok(found.length >= megabytes * MEGABYTE, `${found.length} bytes, ${megabytes} MB were acknowledged`)
	assert.ok(found.equals(grown().subarray(0, found.length)))
}
