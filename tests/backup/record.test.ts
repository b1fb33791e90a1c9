/** The agent's record of what it has: on a disk that fills up while it is written anew, and cut off. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDirectory } from '../../backup/folder/directory.ts'
import { openHoldings } from '../../backup/record/holdings.ts'

const FILES = 600
/** The record of so many has some 70 KiB. */
const LEFT_BYTES = 32 * 1024

test('a record of which the disk takes a part only does not take the place of the old one', async (t) => {
	const folder = mkdtempSync(join(tmpdir(), 'cairn-record-'))
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'none', folder])
	t.after(() => {
		execFileSync('umount', ['-l', folder])
		rmdirSync(folder)
	})
	const own = openDirectory(folder)
	const held = Array.from({ length: FILES }, (_, id) => ({ path: `d/${id}`, id, version: 1, size: 1, hash: 'a'.repeat(64), seenMs: 1 }))
	const holdings = openHoldings(own, FILES)
	await holdings.add(held.slice(1))
	const { bavail, bsize } = statfsSync(folder)
	const others = join(folder, 'others')
	writeFileSync(others, Buffer.alloc(bavail * bsize - LEFT_BYTES))
	await assert.rejects(holdings.add(held.slice(0, 1)), { code: 'ENOSPC' })
	assert.equal([...openHoldings(own).all()].length, FILES)
	writeFileSync(others, '')
	await openHoldings(own, 1).add(held.slice(0, 1))
	assert.equal([...openHoldings(own).all()].length, FILES)
})

test('a line that was cut off is no part of the next', async (t) => {
	const folder = mkdtempSync(join(tmpdir(), 'cairn-record-'))
	t.after(() => rmSync(folder, { recursive: true }))
	const own = openDirectory(folder)
	const held = ['a', 'b', 'c'].map((path, id) => ({ path, id, version: 1, size: 1, hash: 'a'.repeat(64), seenMs: 1 }))
	await openHoldings(own).add(held.slice(0, 2))
	const log = join(folder, 'held.log')
	writeFileSync(log, readFileSync(log).subarray(0, -5))
	await openHoldings(own).add(held.slice(2))
	assert.deepEqual([...openHoldings(own).all()].map(({ path }) => String(path)), ['a', 'c'])
})
