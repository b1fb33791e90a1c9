/** The answers on the command line, on both engines. */
import assert from 'node:assert/strict'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { du } from '../../cli/du.ts'
import { events } from '../../cli/events.ts'
import { EXIT } from '../../cli/exit-codes.ts'
import { find } from '../../cli/find.ts'
import { stats } from '../../cli/stats.ts'
import { why } from '../../cli/why.ts'
import { create, makeDirectory } from '../../core/filesystem/create.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { release } from '../../core/filesystem/publish.ts'
import { getXattr } from '../../core/filesystem/xattrs.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { typed } from '../cli/typed.ts'
import { writeFile } from './meddle.ts'
import { place } from './place.ts'

const at = (name: string | Buffer, parent = 1) => ({ parent, name: Buffer.from(name) })
const OWNER = { mode: 0o755, uid: 0, gid: 0 }
const ODD = Buffer.concat([Buffer.from('line\nbreak\u202e'), Buffer.from([0xff])])

for (const engine of engines) {
	test(`${engine.name}: why, stats, du, find, events`, async (t) => {
		const { fs, driver, config: configuration, count, node } = await place(t, engine)
		const config = join(node(1), '..', 'config.ts')
		writeFileSync(config, `export default ${JSON.stringify({ catalogue: configuration.catalogue, classes: configuration.classes })}`)
		chmodSync(config, 0o600)
		const cairn = typed(config, why, stats, du, find, events)
		const said = async (...words: string[]) => {
			const { code, stdout, stderr } = await cairn(...words)
			assert.equal(code, 0, stderr)
			return stdout
		}
		const json = async (...words: string[]) => JSON.parse(await said(...words, '--json'))

		const { id: pictures } = await run(makeDirectory(fs, at('pictures'), OWNER))
		const one = (await writeFile(fs, at('one.jpg', pictures), Buffer.alloc(5_000, 1))) as number
		await writeFile(fs, at('two.jpg', pictures), Buffer.alloc(10, 2))
		await writeFile(fs, at(ODD), Buffer.alloc(300, 3))
		await driver.change('UPDATE file SET hash = ?, hash_version = version WHERE size = 5000 OR size = 300', [Buffer.alloc(32, 7)])
		await count()

		// Why.
		const explained = await json('why', '/pictures/one.jpg')
		assert.equal(explained.class.name, 'pictures')
		assert.equal(explained.hash, '07'.repeat(32))
		assert.equal(explained.good, 1)
		assert.deepEqual(explained.copies.map((copy: { state: string }) => copy.state).sort(), ['good', 'wanted', 'wanted'])
		assert.match(await said('why', 'pictures/one.jpg'), /class pictures: 3 copies, by its pattern \^pictures\/\n[\s\S]*no replicator looks after node/)
		const [wanted] = await driver.all('SELECT node_id FROM replica WHERE file_id = ? AND state = 2 ORDER BY node_id LIMIT 1', [one])
		rmSync(join(node(wanted.node_id), '.cairn'), { recursive: true })
		assert.match(await said('why', 'pictures/one.jpg'), new RegExp(`node node${wanted.node_id} is away: .* has no identity file`))
		const sentence = (await run(getXattr(fs, one, Buffer.from('user.cairn.why')))).toString()
		assert.match(sentence, /^class pictures asks for 3, 1 good at version 1; node\d is wanted at version 0, to be copied there: /)
		const missing = await cairn('why', 'pictures/none')
		assert.deepEqual([missing.code, missing.stderr], [EXIT.refused, 'cairn: pictures/none: there is no such file in the tree\n'])
		const made = await run(create(fs, at('open'), OWNER, true))
		assert.ok('open' in made)
		assert.match(await said('why', 'open'), /open for writing on node\d by test, process \d+ on /)
		await run(release(fs, made.open, true))
		await flushLater(fs)
		await driver.change("UPDATE node SET state = 'down' WHERE id = 3")
		assert.match(await said('why', 'pictures/one.jpg'), /node node3 is down since \d{4}-/)
		await driver.change("INSERT INTO intent (node_id, op, path, file_id, token, created) VALUES (2, 'unlink', ?, 0, 0, 0)", [Buffer.from('pictures')])
		await driver.change('UPDATE replica SET state = 2 WHERE file_id = ? AND node_id = 2', [one])
		assert.match(await said('why', 'pictures/one.jpg'), /an earlier unlink on its path is still to be carried out on node2/)

		// Figures.
		const figures = await json('stats')
		assert.deepEqual(figures.tree, { files: 3, bytes: 5_310, directories: 1 })
		assert.deepEqual(figures.copies.map((row: { class: string; files: number }) => [row.class, row.files]), [['pictures', 2], ['default', 1]])
		const [{ example }] = figures.copies[1].rows
		assert.equal(Buffer.from(example.pathBase64, 'base64').equals(ODD), true)
		assert.match(await said('stats', '--class', 'default'), /line\\nbreak\\u202e\\xff/)
		assert.equal((await cairn('stats', '--class', 'none')).code, EXIT.refused)
		assert.match(await said('stats', '--days', '2'), /^ +DAY +FILES/)
		assert.deepEqual((await json('du', '--depth', '2')).map((row: { path: string; bytes: number }) => [row.path, row.bytes]), [['pictures', 5_010], ['', 5_310]])
		assert.match(await said('du', 'pictures'), / 4\.9K +2 +\/pictures\n$/)

		// Searching.
		const paths = async (...words: string[]) => (await json('find', ...words)).map(({ path }: { path: string }) => path).sort()
		assert.deepEqual(await paths('--name', '*.jpg'), ['pictures/one.jpg', 'pictures/two.jpg'])
		assert.deepEqual(await paths('/pictures', '--larger', '1K'), ['pictures/one.jpg'])
		assert.deepEqual(await paths('--smaller', '100', '--class', 'pictures'), ['pictures/two.jpg'])
		assert.equal((await paths('--duplicates')).length, 2)
		assert.equal((await paths('--owed', '--name', '[a-z]*.jpg')).length, 2)
		assert.deepEqual(await paths('--since', '2100-01-01'), [])
		await driver.change('UPDATE replica SET state = 1, version = 1 WHERE file_id = ?', [one])
		await driver.change('INSERT INTO stat_touched (file_id) VALUES (?)', [one])
		await count()
		assert.deepEqual(await paths('--owed', '/pictures'), ['pictures/two.jpg'], 'what has its copies is not owed')
		await driver.change('UPDATE replica SET state = 3 WHERE file_id = ? AND node_id = 1', [one])
		assert.deepEqual(await paths('--owed', '/pictures'), ['pictures/one.jpg', 'pictures/two.jpg'], 'also where a row is newer than the figures')

		// Off-site.
		await driver.change("INSERT INTO site (name, sealed_key, settings, about, created) VALUES ('attic', ?, '{}', '{}', 0)", [Buffer.alloc(1)])
		await driver.change('INSERT INTO backup (file_id, site_id, version, state, since, proved_at) VALUES (?, 1, 1, 4, 1000, 1000)', [one])
		await driver.change('INSERT INTO stat_touched (file_id) VALUES (?)', [one])
		await count()
		assert.match(await said('why', 'pictures/one.jpg'), /^off-site attic: proved, version 1, proved \d+ d ago$/m)
		assert.deepEqual((await json('stats')).offsite, [
			{ class: 'pictures', site: 'attic', wanted: { files: 1, bytes: 5_000 }, claimed: { files: 1, bytes: 5_000 }, proved: { files: 1, bytes: 5_000 }, failed: { files: 0, bytes: 0 }, oldestProof: 1_000 },
		])

		// The journal.
		const lines = (await said('events', '--since', '0', '--json')).trim().split('\n').map((line) => JSON.parse(line))
		const created = lines.find(({ op, path }) => op === 'create' && path === 'pictures/one.jpg')
		assert.ok(created)
		const later = (await said('events', '--since', String(created.seq), '--json')).trim().split('\n').map((line) => JSON.parse(line))
		assert.equal(later[0].seq > created.seq, true)
		assert.match(await said('events', '--since', '0'), / create +\d+ {2}\/line\\nbreak\\u202e\\xff$/m)
		for (const since of ['yesterday', '-1', '1.5']) assert.equal((await cairn('events', '--since', since)).code, EXIT.usage, since)
		const zone = process.env.TZ
		process.env.TZ = 'America/New_York'
		try {
			const [first] = (await said('events', '--since', '0')).split('\n')
			const [time] = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.exec(first) ?? []
			assert.ok((await said('events', '--since', String(time))).includes(first), 'a time that was shown can be typed, wherever that is')
		} finally {
			if (zone === undefined) delete process.env.TZ
			else process.env.TZ = zone
		}
	})

	test(`${engine.name}: why by a path of many names, of a file with two`, async (t) => {
		const { fs, config: configuration, node } = await place(t, engine)
		const config = join(node(1), '..', 'config.ts')
		writeFileSync(config, `export default ${JSON.stringify({ catalogue: configuration.catalogue, classes: configuration.classes })}`)
		chmodSync(config, 0o600)
		const names = Array.from({ length: 40 }, (_, depth) => `name ${depth}`)
		let parent = 1
		for (const name of names) parent = (await run(makeDirectory(fs, at(name, parent), OWNER))).id
		const id = (await writeFile(fs, at('leaf', parent), Buffer.alloc(10))) as number
		await run(link(fs, id, at('beside')))
		await flushLater(fs)
		const path = [...names, 'leaf'].join('/')
		const cairn = typed(config, why)
		for (const asked of [path, 'beside']) {
			const { stdout } = await cairn('why', asked, '--json')
			assert.deepEqual([JSON.parse(stdout).id, JSON.parse(stdout).paths.map((each: { path: string }) => each.path)], [id, ['beside', path]])
		}
		for (const wrong of [`${path}/below`, [...names, 'none'].join('/'), names.slice(1).join('/')]) assert.equal((await cairn('why', wrong)).code, EXIT.refused)
		assert.match((await cairn('why', '/')).stdout, /^\/\nfile 1, a directory/)
	})
}

test('why of a path that no pattern fits: the last class is its class, by default', async (t) => {
	const { fs, config: configuration, node } = await place(t, engines[0], { classes: [{ name: 'pictures', pattern: '^pictures/', copies: 3 }, { name: 'sound', pattern: '^sound/', copies: 2 }] })
	const config = join(node(1), '..', 'config.ts')
	writeFileSync(config, `export default ${JSON.stringify({ catalogue: configuration.catalogue, classes: configuration.classes })}`)
	const { id: sound } = await run(makeDirectory(fs, at('sound'), OWNER))
	await writeFile(fs, at('f', sound), Buffer.alloc(10))
	await writeFile(fs, at('f'), Buffer.alloc(10))
	await flushLater(fs)
	const cairn = typed(config, why)
	assert.match((await cairn('why', '/sound/f')).stdout, /^class sound: 2 copies, by its pattern \^sound\/$/m)
	assert.match((await cairn('why', '/f')).stdout, /^class sound: 2 copies, by default$/m)
})
