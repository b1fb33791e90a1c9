/** What is taken over from the database of the system before this one, and what is not and said so. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run as runImport } from '../../cli/import-geograph.ts'
import { engines } from '../catalogue/engines.ts'
import { cairn, type Keeper, openKeeper, type Said } from './keeper.ts'
import { oldDatabase } from './geograph.ts'

const CLASSES = [
	{ name: 'full.jpg', pattern: '\\.jpg$', copies: 2, offsite: 2 },
	{ name: 'others', pattern: '', copies: 1 },
]
const MD5 = 'd41d8cd98f00b204e9800998ecf8427e'

function importFrom(keeper: Keeper, from: string, more: object = {}): Promise<Said> {
	const options = { from, root: '/mnt/combined', node: ['milk=node1', 'cream=node2'], uid: 33, gid: 34, json: true, ...more }
	return cairn(keeper, (deps) => runImport(options, deps))
}

for (const engine of engines) {
	test(`${engine.name}: files, copies, classes, sites and what they hold`, async (t) => {
		const keeper = await openKeeper(t, { engine, config: { classes: CLASSES } })
		await keeper.put('there/taken.jpg', 'taken')
		const odd = Buffer.concat([Buffer.from('/mnt/combined/a/\xe9 "x'.replace('\xe9', '')), Buffer.from([0xe9]), Buffer.from(".txt'")])
		const from = await oldDatabase(
			[
				{ path: '/mnt/combined/a/b/1.jpg', size: 123, md5: MD5, replicas: 'milk,cream', replicaCount: 2, backups: 'dwo,Amz 1', class: 'full.jpg' },
				{ path: odd, replicas: 'cream', class: 'unknown.class' },
				{ path: '/mnt/combined/a/gone', replicaCount: 0, replicas: '' },
				{ path: '/elsewhere/x' },
				{ path: '/mnt/combinedx/y' },
				{ path: '/mnt/combined/a/../../etc/passwd' },
				{ path: '/mnt/combined/large', size: 16_777_215 },
				{ path: `/mnt/combined/${'x'.repeat(241)}` },
				{ path: '/mnt/combined/lost', replicas: 'cake' },
				{ path: '/mnt/combined/there/taken.jpg' },
				{ path: '/mnt/combined/a/b/1.jpg/below' },
				{ path: '/mnt/combined/empty', size: 0 },
			],
			{ folders: ['/mnt/combined/a/b', '/mnt/combined/empty folder'] },
		)
		const said = await importFrom(keeper, from, { report: 'left.json' })
		assert.equal(said.exitCode, 0, said.err)
		const { files, directories, copies, offSite, left, strange } = JSON.parse(said.out)
		assert.deepEqual({ files, copies, offSite, directories }, { files: 3, copies: 4, offSite: 2, directories: 3 })
		assert.deepEqual(left, { deleted: 1, outside: 2, path: 1, cutSize: 1, cutName: 1, noCopy: 1, taken: 1, inFile: 1 })
		assert.deepEqual(strange, { nodes: { cake: 1 }, sites: {}, classes: { 'unknown.class': 1 } })
		assert.equal(readFileSync(join(keeper.directory, 'left.json'), 'utf8').trim().split('\n').length, 9)

		const [row] = await keeper.driver.all(
			`SELECT f.id, f.size, f.uid, f.mtime, c.name AS class, x.value AS md5 FROM file f JOIN class c ON c.id = f.class_id
				JOIN entry e ON e.file_id = f.id LEFT JOIN xattr x ON x.file_id = f.id WHERE e.name = ?`,
			[Buffer.from('1.jpg')],
		)
		assert.deepEqual([row.size, row.uid, row.class, Buffer.from(row.md5).toString()], [123, 33, 'full.jpg', MD5])
		assert.ok(Math.abs(row.mtime - Date.UTC(2012, 2, 4, 5, 6, 7) / 1000) < 86_400)
		const held = await keeper.driver.all('SELECT s.name, b.state, b.version FROM backup b JOIN site s ON s.id = b.site_id WHERE b.file_id = ? ORDER BY s.name', [row.id])
		assert.deepEqual(held.map((each) => ({ ...each })), [{ name: 'amz-1', state: 3, version: 1 }, { name: 'dwo', state: 3, version: 1 }])
		const sites = await keeper.driver.all('SELECT name, state FROM site ORDER BY name')
		assert.deepEqual(sites.map((each) => ({ ...each })), [{ name: 'amz-1', state: 'paused' }, { name: 'dwo', state: 'active' }])
		assert.equal((await keeper.driver.all('SELECT 1 AS one FROM entry WHERE name = ?', [odd.subarray(odd.lastIndexOf('/') + 1)])).length, 1)
		const links = await keeper.driver.all('SELECT f.nlink FROM file f JOIN entry e ON e.file_id = f.id WHERE e.name = ?', [Buffer.from('a')])
		assert.equal(links[0].nlink, 3)

		// Again: what it has stays, and what is possible now is taken.
		const again = await importFrom(keeper, from, { node: ['milk=node1', 'cream=node2', 'cake=node2'] })
		assert.deepEqual([JSON.parse(again.out).files, JSON.parse(again.out).copies], [1, 1])
		const { noCopy: _, ...stillLeft } = left
		assert.deepEqual(JSON.parse(again.out).left, { ...stillLeft, taken: 4 })
	})

	test(`${engine.name}: one that was stopped goes on where it was, unless it is told something else`, async (t) => {
		const keeper = await openKeeper(t, { engine, config: { classes: CLASSES } })
		const from = await oldDatabase(Array.from({ length: 5 }, (_, number) => ({ path: `/mnt/combined/f${number}` })))
		const files = async (more: object = {}) => JSON.parse((await importFrom(keeper, from, more)).out).files
		assert.equal(await files({ root: '/mnt/else' }), 0)
		assert.equal(await files(), 5)
		await keeper.driver.change("UPDATE job SET state = 'running' WHERE name = 'import:geograph'")
		const [{ position }] = await keeper.driver.all("SELECT position FROM job WHERE name = 'import:geograph'")
		const after = JSON.parse(Buffer.from(position).toString())
		await keeper.driver.change("UPDATE job SET position = ? WHERE name = 'import:geograph'", [Buffer.from(JSON.stringify({ ...after, after: 3 }))])
		assert.deepEqual(JSON.parse((await importFrom(keeper, from)).out).left, { taken: 2 })
		await keeper.driver.change("UPDATE job SET state = 'running' WHERE name = 'import:geograph'")
		assert.deepEqual(JSON.parse((await importFrom(keeper, from, { root: '/mnt' })).out).files, 5)
	})
}

test('a database that is another one, and users that are none: one line', async (t) => {
	const keeper = await openKeeper(t)
	const from = await oldDatabase([{ path: '/mnt/combined/f' }], { more: 'DROP TABLE remote' })
	const wrong = await importFrom(keeper, from)
	assert.deepEqual([wrong.exitCode, wrong.err.includes('\n')], [5, false])
	assert.match(wrong.err, /the old database: Table '.*remote' doesn't exist/)
	for (const uid of [Number.NaN, -1, 1.5]) assert.equal((await importFrom(keeper, from, { uid })).exitCode, 2)
})

test('an address that leads nowhere, a node that is none: one line', async (t) => {
	const keeper = await openKeeper(t)
	const wrong = await importFrom(keeper, 'mysql://nobody@127.0.0.1:1/none')
	assert.deepEqual([wrong.exitCode, wrong.err.includes('\n')], [5, false])
	assert.match(wrong.err, /the old database cannot be reached/)
	const node = await importFrom(keeper, await oldDatabase([]), { node: ['milk=none'] })
	assert.deepEqual([node.exitCode, /--node: found 'milk=none'/.test(node.err)], [2, true])
})
