/** `cairn site`: what a keeper types, and what he is told. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run as runAdd } from '../../cli/site-add.ts'
import { run as runList } from '../../cli/site-list.ts'
import { run as runLog } from '../../cli/site-log.ts'
import { run as runRemove } from '../../cli/site-remove.ts'
import { run as runRotate } from '../../cli/site-rotate-key.ts'
import { run as runSet } from '../../cli/site-set.ts'
import { sealingKey } from '../../core/off-site/seal.ts'
import type { SiteStanding } from '../../core/off-site/standing.ts'
import { cairn, type Keeper, newSite, openKeeper, type Said } from './keeper.ts'

const add = (keeper: Keeper, options: Partial<Parameters<typeof runAdd>[0]>): Promise<Said> => cairn(keeper, (deps) => runAdd({ name: 'attic', json: false, ...options }, deps))
const set = (keeper: Keeper, options: Partial<Parameters<typeof runSet>[0]>): Promise<Said> => cairn(keeper, (deps) => runSet({ name: 'attic', ...options }, deps))
const log = (keeper: Keeper, lines: number): Promise<Said> => cairn(keeper, (deps) => runLog({ name: 'attic', lines, json: false }, deps))

async function list(keeper: Keeper): Promise<SiteStanding[]> {
	return JSON.parse((await cairn(keeper, (deps) => runList({ json: true }, deps))).out)
}

test('a site is made, changed, listed, given another key and removed', async (t) => {
	const keeper = await openKeeper(t)
	const made = await add(keeper, { rate: ['8-18=500K', '2M'], perDay: '1G', path: ['photos'], class: ['default'], mode: ['full', 'recent'], schedule: '0 2 * * *' })
	const key = made.out.trim()
	assert.match(key, /^cairnsite_[\w-]{43}$/)
	const { keyFile } = keeper.config.backup
	assert.equal(statSync(keyFile).mode & 0o777, 0o600)
	assert.match(readFileSync(keyFile, 'utf8'), /^[0-9a-f]{64}\n$/)
	const [site] = await list(keeper)
	assert.deepEqual(site.settings, {
		classes: ['default'], paths: ['photos'], modes: ['full', 'recent'], schedule: '0 2 * * *', bytesPerDay: 1_073_741_824,
		rates: [{ hours: '8-18', bytesPerSecond: 512_000 }, { hours: '', bytesPerSecond: 2_097_152 }],
	})
	await set(keeper, { parallel: 2, default: ['rate', 'class', 'path', 'mode'] })
	assert.deepEqual((await list(keeper))[0].settings, { schedule: '0 2 * * *', bytesPerDay: 1_073_741_824, parallel: 2 })

	const id = await keeper.put('a', 'content')
	await keeper.feed()
	const agent = newSite(keeper.url, 'attic', key)
	await agent.ask('POST', '/backup/v1/hello', { body: { starting: true, version: '1.2', platform: 'linux', freeBytes: 5 } })
	assert.deepEqual(await agent.fetchBatch(), [id])
	await agent.prove()
	const [now] = await list(keeper)
	assert.deepEqual([now.wanted, now.claimed, now.proved, now.failed, now.today.files, now.today.proved, now.about], [0, 0, 1, 0, 1, 1, { version: '1.2', platform: 'linux', freeBytes: 5 }])
	const table = await cairn(keeper, (deps) => runList({ json: false }, deps))
	assert.match(table.out, /^SITE +STATE +CALLED +TO FETCH/)
	const lines = JSON.parse((await cairn(keeper, (deps) => runLog({ name: 'attic', lines: 10, json: true }, deps))).out) as Array<{ what: string }>
	assert.deepEqual(lines.map(({ what }) => what), ['hello', 'lease', 'report'])

	const rotated = (await cairn(keeper, (deps) => runRotate({ name: 'attic', json: false }, deps))).out.trim()
	await new Promise((resolve) => setTimeout(resolve, 1_050))
	assert.equal((await agent.ask('GET', '/backup/v1/orders')).status, 401)
	assert.equal((await newSite(keeper.url, 'attic', rotated, agent.agent).ask('GET', '/backup/v1/orders')).status, 200)
	const held = await cairn(keeper, (deps) => runRemove({ name: 'attic', force: false }, deps))
	assert.deepEqual([held.exitCode, held.err], [8, 'site attic holds copies: with --force they are forgotten'])
	assert.equal((await cairn(keeper, (deps) => runRemove({ name: 'attic', force: true }, deps))).exitCode, 0)
	assert.deepEqual([await list(keeper), await keeper.driver.all('SELECT * FROM backup')], [[], []])
})

test('what makes no sense is said in one line, and nothing changes', async (t) => {
	const keeper = await openKeeper(t)
	await add(keeper, {})
	for (const [options, line] of [
		[{ name: 'Attic' }, /'Attic' is no name for a site/],
		[{ name: '' }, /is no name for a site/],
		[{ name: 'attic' }, /there is a site attic already/],
		[{ name: 'b', rate: ['fast'] }, /--rate: found 'fast', allowed: a number of bytes/],
		[{ name: 'b', rate: ['8-30=1M'] }, /--rate: found "8-30", allowed: hours/],
		[{ name: 'b', schedule: 'daily' }, /--schedule: found "daily", allowed: a schedule/],
		[{ name: 'b', class: ['none'] }, /there is no class none; there are: default/],
		[{ name: 'b', direct: 'http://user:secret@host/' }, /--direct: found/],
		[{ name: 'b', parallel: 1_000 }, /--parallel: a whole number from 1 to 64/],
	] as const) {
		const said = await add(keeper, options as Partial<Parameters<typeof runAdd>[0]>)
		assert.match(said.err, line)
		assert.ok(said.exitCode > 0 && said.out === '' && !said.err.includes('\n'), JSON.stringify(options))
	}
	assert.match((await set(keeper, {})).err, /site set: what/)
	assert.match((await set(keeper, { rate: ['2M'], default: ['rate'] })).err, /--rate and --default rate: which\?/)
	for (const lines of [Number.NaN, -1, 0, 1.5]) assert.deepEqual(await log(keeper, lines), { exitCode: 2, out: '', err: '--lines: a whole number, 1 or more' })
	assert.match((await set(keeper, { name: 'none', parallel: 1 })).err, /there is no site none; there are: attic/)
	assert.equal((await list(keeper)).length, 1)
	chmodSync(keeper.config.backup.keyFile, 0o644)
	assert.match((await add(keeper, { name: 'b' })).err, /backup.keyFile: .* has mode 644, allowed: its owner only/)
})

test('a key for which there was no room is made when there is some', async (t) => {
	const { directory } = await openKeeper(t)
	const disk = join(directory, 'disk')
	mkdirSync(disk)
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'none', disk])
	try {
		writeFileSync(join(disk, 'full'), Buffer.alloc(4_096))
		assert.throws(() => sealingKey(join(disk, 'key'), { create: true }), { message: `backup.keyFile: ${disk}/key cannot be written (ENOSPC)` })
		rmSync(join(disk, 'full'))
		assert.deepEqual(sealingKey(join(disk, 'key'), { create: true }), sealingKey(join(disk, 'key')))
		assert.deepEqual(readdirSync(disk), ['key'])
	} finally {
		execFileSync('umount', [disk])
	}
})
