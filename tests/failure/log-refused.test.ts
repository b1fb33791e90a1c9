/**
 * The catalogue's disk refuses a part of SQLite's log and later takes it: the kernel tells of it once. What is synced afterwards is on the
 * disk, or is said not to be. The disk is ext4 on a loop device, over memory that has no room for the log's blocks: for none of them, as a loop
 * device takes a piece for written of which a part was.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { detach } from '../support/mount.ts'

const BLOCK = 4_096
const MEGABYTE = 1024 * 1024

const set = (driver: Driver, name: string, value: string) => driver.change('INSERT INTO setting (name, value) VALUES (?, ?)', [name, value])

/** Where a file lies on its disk. */
function placesOf(file: string): { from: number; bytes: number }[] {
	const lines = execFileSync('filefrag', ['-v', `-b${BLOCK}`, file], { encoding: 'utf8' }).split('\n')
	return lines.flatMap((line) => {
		const [, ...numbers] = /^ *\d+: *(\d+)\.\. *(\d+): *(\d+)\.\. *\d+:/.exec(line) ?? []
		const [first, last, place] = numbers.map(Number)
		return numbers.length > 0 ? [{ from: place * BLOCK, bytes: (last - first + 1) * BLOCK }] : []
	})
}

test('what the disk refused of the log is written once more before a sync is said to be done', (t) => refusedAndCut(t, { opensAnew: false }))
test('and by who opens the log afterwards, whom the kernel does not tell', (t) => refusedAndCut(t, { opensAnew: true }))

async function refusedAndCut(t: TestContext, { opensAnew }: { opensAnew: boolean }): Promise<void> {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-log-'))
	const [memory, disk, copy] = ['memory', 'disk', 'copy'].map((name) => join(directory, name))
	t.after(() => {
		for (const each of [copy, disk, memory]) detach(each)
		rmSync(directory, { recursive: true })
	})
	for (const each of [memory, disk, copy]) mkdirSync(each)
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'none', memory])
	const image = join(memory, 'image')
	writeFileSync(image, '')
	truncateSync(image, 32 * MEGABYTE)
	execFileSync('mkfs.ext4', ['-q', '-m', '0', '-b', `${BLOCK}`, '-O', '^has_journal', '-E', 'lazy_itable_init=0', image])
	execFileSync('mount', ['-o', 'loop', image, disk])
	const path = join(disk, 'catalogue.db')
	const driver = await openCatalogue({ ...withDefaults({}), catalogue: path }, { create: true })
	t.after(() => driver.close())
	await initialise(driver, { owner: { uid: 0, gid: 0 }, classes: [], now: { s: 1, ns: 0 } })
	// The log has its blocks, and begins anew in them.
	await set(driver, 'long', 'x'.repeat(MEGABYTE))
	const other = new DatabaseSync(path)
	other.exec('PRAGMA wal_checkpoint(RESTART)')
	other.close()
	await set(driver, 'before', '')
	await driver.sync()
	execFileSync('sync', ['-f', disk])
	for (const { from, bytes } of placesOf(`${path}-wal`)) execFileSync('fallocate', ['--punch-hole', '-o', `${from}`, '-l', `${bytes}`, image])
	const rest = join(memory, 'rest')
	assert.throws(() => writeFileSync(rest, Buffer.alloc(16 * MEGABYTE)), { code: 'ENOSPC' })
	// Where a large piece finds no room there may be some for small ones.
	assert.throws(() => {
		for (;;) appendFileSync(rest, Buffer.alloc(BLOCK))
	}, { code: 'ENOSPC' })

	await set(driver, 'refused', 'y'.repeat(MEGABYTE / 2))
	await assert.rejects(async () => driver.sync(), { code: 'ENOSPC' })
	await assert.rejects(async () => driver.sync(), { code: 'ENOSPC' }, 'a second time')
	rmSync(rest)
	const next = opensAnew ? await openCatalogue({ ...withDefaults({}), catalogue: path }) : driver
	if (opensAnew) t.after(() => next.close())
	await set(next, 'after', '')
	await next.sync()

	// The power is cut.
	execFileSync('cp', ['--sparse=always', image, join(directory, 'image')])
	execFileSync('mount', ['-o', 'loop', join(directory, 'image'), copy])
	assert.ok(readdirSync(copy).includes('catalogue.db-wal'))
	const found = new DatabaseSync(join(copy, 'catalogue.db'))
	const names = found.prepare("SELECT name FROM setting WHERE name IN ('before', 'refused', 'after') ORDER BY name").all()
	found.close()
	assert.deepEqual(names.map(({ name }) => name), ['after', 'before', 'refused'])
}
