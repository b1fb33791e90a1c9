/** Clocks that are wrong, and files from other centuries: versions and the database's clock decide, never the time of day. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { verify } from '../../replicator/verify/verify.ts'
import { runOn, states } from '../replicator/copies.ts'
import { makeCopies } from '../replicator/copying.ts'
import { walkOn } from '../replicator/walked.ts'
import { assertCopies, fill, mounted, treeThroughMount, verb } from '../replicator/whole.ts'
import type { Mounted } from '../support/mount.ts'
import { until } from '../support/until.ts'
import { installation, now, writeFile } from '../unit/installation.ts'
import { otherClock } from './other-clock.ts'

const TWO = [{ name: 'default', pattern: '', copies: 2 }]
const DAY_SECONDS = 86_400
const YEARS = { 2100: 4_102_444_800, 1965: -157_766_400 }

for (const [year, mtime] of Object.entries(YEARS)) {
	test(`a file of ${year} is copied, walked and verified like any other`, async (t) => {
		const place = await installation(t, 2, TWO)
		const { fs } = await place.start()
		const id = writeFile(fs, 'f', 'content')
		now(setAttributes(fs, id, { mtime: { s: mtime, ns: 500_000_000 } }))
		await flushLater(fs)
		for (const node of [1, 2]) await makeCopies(fs, node)
		for (const node of [1, 2]) {
			assert.equal(lstatSync(place.node(node, 'f'), { bigint: true }).mtimeNs, BigInt(mtime) * 1_000_000_000n + 500_000_000n)
			assert.deepEqual((await walkOn({ fs }, node)).outcomes, { known: 1 })
			assert.deepEqual((await runOn(fs, node, verify({ all: true }))).outcomes, { good: 1 })
		}
		assert.deepEqual(place.rows('SELECT * FROM conflict'), [])
	})
}

for (const [beyond, kept] of [[2 ** 56, 15_032_385_535], [-(2 ** 56), -2_147_483_648]]) {
	test(`a time of ${beyond} becomes the last one a disk can keep`, async (t) => {
		const place = await installation(t, 2, TWO)
		const { fs } = await place.start()
		const id = writeFile(fs, 'f', 'content')
		const row = now(setAttributes(fs, id, { mtime: { s: beyond, ns: 5 }, atime: { s: beyond, ns: 5 } }))
		assert.deepEqual([row.mtime, row.mtime_ns, row.atime, row.atime_ns], [kept, 0, kept, 0])
		await flushLater(fs)
		for (const node of [1, 2]) await makeCopies(fs, node)
		for (const node of [1, 2]) assert.deepEqual((await walkOn({ fs }, node)).outcomes, { known: 1 })
	})
}

test('a new version with an older time replaces an old one with a newer time', async (t) => {
	const place = await installation(t, 2, TWO)
	const { fs } = await place.start()
	const id = writeFile(fs, 'f', 'first')
	now(setAttributes(fs, id, { mtime: { s: YEARS[2100], ns: 0 } }))
	await flushLater(fs)
	for (const node of [1, 2]) await makeCopies(fs, node)
	const file = now(open(fs, id, { write: true, truncate: true }))
	file.node.operations.write(file.fd, Buffer.from('second'), 0)
	now(release(fs, file, true))
	now(setAttributes(fs, id, { mtime: { s: YEARS[1965], ns: 0 } }))
	await flushLater(fs)
	for (const node of [1, 2]) await makeCopies(fs, node)
	for (const node of [1, 2]) assert.equal(readFileSync(place.node(node, 'f'), 'utf8'), 'second')
	assert.deepEqual(states(place, id), { 1: 1, 2: 1 })
})

function slowly({ config }: Mounted): void {
	const text = readFileSync(config, 'utf8')
	const rate = "replicator: { copyRates: [{ hours: '0-24', bytesPerSecond: 1_000_000 }] },"
	writeFileSync(config, text.replace(/^\tclasses:/m, `\t${rate}\n\tclasses:`))
	assert.notEqual(readFileSync(config, 'utf8'), text)
}

test('a lease holds whatever the clock of who asks for it, and the work of such a one is as good', async (t) => {
	const withClock = otherClock(t)
	const today = execFileSync('date', ['+%s']).toString()
	const ahead = await withClock(2 * DAY_SECONDS, async () =>
		execFileSync(process.execPath, ['-p', 'Date.now() / 1000']).toString(),
	)
	assert.ok(Number(ahead) >= Number(today) + 2 * DAY_SECONDS, 'the clock was to be another')

	const up = await mounted(t, { catalogue: 'mariadb', nodes: 2 })
	slowly(up)
	await fill(up, 60)
	const jobOf = async () => JSON.parse(await verb(up, 'status', '--json')).jobs
	const running = up.cairn('replicate', '--node', 'node2')
	await until('it is under way', async () => (JSON.stringify(await jobOf()).includes('running') ? true : undefined))
	for (const days of [2, -2]) {
		const said = await withClock(days * DAY_SECONDS, () => verb(up, 'replicate', '--node', 'node2'))
		assert.match(said, /under way already/)
	}
	const { code, stdout, stderr } = await running
	assert.equal(code, 0, stderr)
	assert.match(stdout, /60 copied/)

	for (const [days, node] of [
		[2, 'node1'],
		[-2, 'node2'],
	] as const) {
		await fill(up, 20, `after ${days}`)
		await withClock(days * DAY_SECONDS, () => verb(up, 'replicate', '--node', 'node1'))
		await withClock(days * DAY_SECONDS, () => verb(up, 'replicate', '--node', 'node2'))
		await withClock(days * DAY_SECONDS, () => verb(up, 'verify', '--node', node))
		await withClock(days * DAY_SECONDS, () => verb(up, 'walk', '--node', node))
	}
	assertCopies(up, await treeThroughMount(up.mountPoint), 2)
	assert.deepEqual(JSON.parse(await verb(up, 'conflicts', 'list', '--json')), [])
})
