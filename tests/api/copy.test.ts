/** COPY of directories: whole or not at all, and what it replaces is there until then. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate as othersFirst } from 'node:timers/promises'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { open } from '../../core/filesystem/open.ts'
import { publishAtClose, release } from '../../core/filesystem/publish.ts'
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import type { FileId } from '../../core/ids.ts'
import { openLocalOperations } from '../../core/nodes/local.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { startProxy } from '../catalogue/proxy.ts'
import { startMariadb } from '../support/mariadb.ts'
import { until } from '../support/until.ts'
import { openDoor, type TestDoor } from './door.ts'
import { standing } from './left-behind.ts'

const DISK = '6m'
const HALF = Buffer.alloc(1_700_000, 'x')
const FILES = 60
const GONE = 999_999

const put = (door: TestDoor, path: string, body: string | Buffer) => door.fetch(`/files/${path}`, { method: 'PUT', body })
const text = async (door: TestDoor, path: string) => {
	const answer = await door.fetch(`/files/${path}`)
	return answer.ok ? await answer.text() : answer.status
}
const copy = (door: TestDoor, from: string, to: string, prefix = 'dav', method = 'COPY') =>
	door.fetch(`/${prefix}/${from}`, { method, headers: { destination: `/${prefix}/${to}` } })
const names = async (door: TestDoor, path = '') => ((await (await door.fetch(`/files/${path}`)).json()) as { entries: Array<{ name: string }> }).entries.map(({ name }) => name)

async function fill(door: TestDoor, directory: string, word: string, files = 3): Promise<void> {
	for (let index = 0; index < files; index++) await put(door, `${directory}/in/${index}`, `${word} ${index}`)
}

for (const engine of engines) {
	test(`${engine.name}: a directory over another, over a file, and a file over a directory`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1, config: { classes: [{ name: 'b', pattern: '^b/', copies: 1 }, { name: 'default', pattern: '', copies: 1 }] } })
		for (const prefix of ['dav', 'files']) {
			await fill(door, 'a', 'new')
			await put(door, 'b/old', 'old')
			await put(door, 'file', 'a file')
			assert.equal((await copy(door, 'a', 'b', prefix)).status, 204)
			assert.deepEqual([await names(door, 'b/'), await text(door, 'b/in/1'), readFileSync(door.node(1, 'b/in/2'), 'utf8')], [['in'], 'new 1', 'new 2'])
			assert.equal((await copy(door, 'a', 'file', prefix)).status, 204)
			assert.equal(await text(door, 'file/in/0'), 'new 0')
			assert.equal((await copy(door, 'a/in/0', 'b', prefix)).status, 204)
			assert.equal(await text(door, 'b'), 'new 0')
			assert.deepEqual(await names(door), ['a', 'b', 'file'])
			assert.equal((await door.fetch('/files/b', { method: 'DELETE' })).status, 204)
			assert.equal((await copy(door, 'a', 'b', prefix)).status, 201)
			const found = await door.driver.all<{ name: string }>("SELECT DISTINCT c.name FROM entry e JOIN file f ON f.id = e.file_id JOIN class c ON c.id = f.class_id JOIN entry d ON d.file_id = e.parent_id JOIN entry u ON u.file_id = d.parent_id WHERE u.name = X'62' AND f.kind = 8")
			assert.deepEqual(found.map(({ name }) => name), ['b'], 'the class of the path where it is')
			await door.fetch('/files/file?recursive', { method: 'DELETE' })
			await door.fetch('/files/b?recursive', { method: 'DELETE' })
		}
		const [{ count }] = await door.driver.all<{ count: number }>("SELECT COUNT(*) AS count FROM lease WHERE name LIKE 'copy:%'")
		assert.equal(Number(count), 0)
	})

	test(`${engine.name}: whoever looks sees the old directory or the whole new one`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		await fill(door, 'a', 'new', FILES)
		await fill(door, 'b', 'old', FILES)
		for (let index = 0; index < 10; index++) await put(door, `a/in/a large one ${index}`, HALF)
		let isOver = false
		const copying = copy(door, 'a', 'b').finally(() => (isOver = true))
		const seen = new Set<string | number>()
		while (!isOver) seen.add(await text(door, `b/in/${FILES - 1}`))
		assert.equal((await copying).status, 204)
		assert.deepEqual([...seen].filter((each) => each !== `old ${FILES - 1}` && each !== `new ${FILES - 1}`), [])
		assert.ok(seen.has(`old ${FILES - 1}`))
		assert.equal(await text(door, `b/in/${FILES - 1}`), `new ${FILES - 1}`)
	})

	test(`${engine.name}: a directory that was moved over another leaves its name free, and what is put there stays`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		await fill(door, 'a', 'new')
		await Promise.all(Array.from({ length: 400 }, (_, index) => put(door, `b/in/${index}`, 'old')))
		let isOver = false
		const moving = copy(door, 'a', 'b', 'dav', 'MOVE').finally(() => (isOver = true))
		await until('its name is free', async () => (await door.fetch('/files/a/')).status === 404 || undefined)
		assert.ok(!isOver, 'what it replaced is still being removed')
		assert.equal((await put(door, 'a/in/1', 'newer')).status, 201)
		assert.equal((await moving).status, 204)
		assert.deepEqual([await text(door, 'a/in/1'), await text(door, 'b/in/1')], ['newer', 'new 1'])
		assert.deepEqual([await names(door), await names(door, 'b/in/')], [['a', 'b'], ['0', '1', '2']])
		const [{ count }] = await door.driver.all<{ count: number }>("SELECT COUNT(*) AS count FROM lease WHERE name LIKE 'copy:%'")
		assert.equal(Number(count), 0)
	})

	test(`${engine.name}: a directory takes the place of another and that one gives way in one step: moved once more it is where it was moved to`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		await fill(door, 'a', 'new')
		await fill(door, 'b', 'old')
		await put(door, 'file', 'old')
		const before = await standing(door)
		const broken = door.driver.capabilities.synchronous ? "SELECT RAISE(ABORT, 'broken');" : "IF NEW.name LIKE '.cairn-copy-%' THEN SIGNAL SQLSTATE '45000'; END IF;"
		const when = door.driver.capabilities.synchronous ? "WHEN CAST(NEW.name AS TEXT) LIKE '.cairn-copy-%'" : ''
		await door.driver.change(`CREATE TRIGGER broken BEFORE UPDATE ON entry FOR EACH ROW ${when} BEGIN ${broken} END`, [])
		for (const target of ['b', 'file']) assert.ok((await copy(door, 'a', target, 'dav', 'MOVE')).status >= 500)
		assert.deepEqual(await standing(door), before)
		assert.deepEqual([await text(door, 'a/in/1'), await text(door, 'b/in/1'), await text(door, 'file')], ['new 1', 'old 1', 'old'])
		await door.driver.change('DROP TRIGGER broken', [])
		for (const [from, to] of [['a', 'b'], ['b', 'file']]) {
			assert.equal((await copy(door, from, to, 'dav', 'MOVE')).status, 204)
			assert.equal((await copy(door, from, to, 'dav', 'MOVE')).status, 404)
			assert.equal(await text(door, `${to}/in/1`), 'new 1')
		}
		assert.deepEqual(await names(door), ['file'])
		assert.deepEqual(await door.driver.all("SELECT name FROM lease WHERE name LIKE 'copy%'"), [])
		await until('the node has it so too', () => existsSync(door.node(1, 'file/in/1')) && !existsSync(door.node(1, 'b')) || undefined)
	})

	test(`${engine.name}: a copy of a file has its properties with its content, and none of what had the name`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const operations = openLocalOperations(door.node(1))
		t.after(() => operations.end())
		const onNode = (path: string) => operations.xattrs(Buffer.from(path)).map(({ name, value }) => `${name}=${Buffer.from(value)}`)
		const set = (path: string, property: string) =>
			door.fetch(`/dav/${path}`, { method: 'PROPPATCH', body: `<propertyupdate xmlns="DAV:"><set><prop><${property} xmlns="u">${path}</${property}></prop></set></propertyupdate>` })
		const properties = async (path: string) =>
			[...(await (await door.fetch(`/dav/${path}`, { method: 'PROPFIND', headers: { depth: '0' } })).text()).matchAll(/<(\w+) xmlns="u">([^<]*)</g)].map(([, name, value]) => `user.dav:{u}${name}=${value}`)
		for (const [name, property] of [['a', 'one'], ['b', 'two'], ['plain', '']]) {
			await put(door, name, name)
			if (property !== '') assert.equal((await set(name, property)).status, 207)
		}
		await put(door, 'a', 'a again')
		for (const [target, status] of [['b', 204], ['fresh', 201]] as const) {
			assert.equal((await copy(door, 'a', target)).status, status)
			assert.deepEqual([await text(door, target), await properties(target)], ['a again', ['user.dav:{u}one=a']])
		}
		for (const name of ['a', 'b', 'fresh']) await until(`${name} has them on the node`, () => onNode(name).join() === 'user.dav:{u}one=a' || undefined)
		await copy(door, 'plain', 'b')
		assert.deepEqual([await text(door, 'b'), await properties('b')], ['plain', []])
		await until('none are left on the node', () => onNode('b').length === 0 || undefined)
		const broken = door.driver.capabilities.synchronous ? "SELECT RAISE(ABORT, 'broken');" : "SIGNAL SQLSTATE '45000';"
		await door.driver.change(`CREATE TRIGGER broken BEFORE INSERT ON xattr FOR EACH ROW BEGIN ${broken} END`, [])
		for (const target of ['b', 'other']) assert.ok((await copy(door, 'a', target)).status >= 500)
		assert.deepEqual([await text(door, 'b'), await text(door, 'other')], ['plain', 404])
	})

	test(`${engine.name}: what is being copied into a directory is no part of a copy of it, nor of itself`, { timeout: 120_000 }, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		await fill(door, 'a', 'a word')
		await fill(door, `a/.cairn-copy-${GONE}-0-1`, 'half')
		await fill(door, 'a/.cairn-copy-mine', 'whole')
		const [{ id }] = await door.driver.all<{ id: number }>("SELECT file_id AS id FROM entry WHERE name = X'61'")
		await door.driver.change('INSERT INTO lease (name, client_id, token, until_at) SELECT ?, MIN(id), ?, 9999999999 FROM client', [`copy:${GONE}-0-1`, id])
		assert.equal((await copy(door, 'a', 'b')).status, 201)
		assert.deepEqual(await names(door, 'b/'), ['.cairn-copy-mine', 'in'])

		await Promise.all(Array.from({ length: 300 }, (_, index) => put(door, `source/${index}`, 'x')))
		for (const path of ['source/z', 'c']) await door.fetch(`/files/${path}`, { method: 'MKCOL' })
		const copying = copy(door, 'source', 'c/copy')
		await until('it is being copied', async () => (await names(door, 'c/')).length > 0 || undefined)
		assert.equal((await copy(door, 'c', 'source/z/c', 'dav', 'MOVE')).status, 201)
		assert.equal((await copying).status, 201)
		assert.equal((await names(door, 'source/z/c/')).join(), 'copy')
		assert.equal((await names(door, 'source/z/c/copy/')).length, 301)
	})

	test(`${engine.name}: what a door left that was killed is removed`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		await fill(door, 'd', 'a word')
		const before = await standing(door)
		await fill(door, `d/.cairn-copy-${GONE}-0-1`, 'half')
		const [{ id }] = await door.driver.all<{ id: number }>("SELECT file_id AS id FROM entry WHERE name = X'64'")
		await door.driver.change('INSERT INTO lease (name, client_id, token, until_at) VALUES (?, ?, ?, 9999999999)', [`copy:${GONE}-0-1`, GONE, id])
		await door.second()
		await until('it is gone', () => !existsSync(door.node(1, `d/.cairn-copy-${GONE}-0-1`)) || undefined)
		await until('nobody has a stake in it', async () => (await door.driver.all("SELECT name FROM lease WHERE name LIKE 'copy:%'")).length === 0 || undefined)
		assert.deepEqual(await standing(door), before)
	})
}

test('a copy runs as whoever runs it: it belongs to the door', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await put(door, 'd/program', 'a program')
	await door.driver.change("UPDATE file SET mode = 3565 WHERE id IN (SELECT file_id FROM entry WHERE name = X'70726f6772616d')")
	for (const prefix of ['dav', 'files']) {
		for (const [from, to] of [['d/program', 'copy'], ['d', 'e']]) assert.equal((await copy(door, from, to, prefix)).status, prefix === 'dav' ? 201 : 204)
		const modes = await door.driver.all<{ mode: number }>("SELECT mode FROM file WHERE id IN (SELECT file_id FROM entry WHERE name IN (X'636f7079', X'70726f6772616d')) ORDER BY id")
		assert.deepEqual(modes.map(({ mode }) => mode.toString(8)), ['6755', '755', '755'])
		for (const path of ['copy', 'e/program']) assert.equal((statSync(door.node(1, path)).mode & 0o7777).toString(8), '755', `${prefix} ${path}`)
	}
})

test('what somebody writes anew while it is copied is copied as it is by then', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await put(door, 'a/large', Buffer.alloc(32 * 1024 * 1024, 'x'))
	const catalogue = await openCatalogue(door.config)
	const other = await run(startFilesystem({ config: door.config, catalogue, what: 'test', report: () => undefined }))
	const [{ id }] = await door.driver.all<{ id: FileId }>("SELECT file_id AS id FROM entry WHERE name = X'6c61726765'")
	const copying = copy(door, 'a', 'b')
	const uploads = door.node(1, '.cairn/uploads')
	const hasBegun = () => existsSync(uploads) && readdirSync(uploads, { recursive: true, withFileTypes: true }).some((each) => each.isFile() && statSync(join(each.parentPath, each.name)).size > 0)
	while (!hasBegun()) await othersFirst()
	const file = await run(open(other, id, { write: true, truncate: true }))
	await file.node.operations.write(file.fd, Buffer.from('short'), 0)
	await run(publishAtClose(other, file))
	await run(release(other, file, true))
	await stopFilesystem(other)
	await catalogue.close()
	assert.equal((await copying).status, 201)
	assert.equal(await text(door, 'b/large'), 'short')
})

async function openSmall(t: TestContext, config = {}): Promise<TestDoor> {
	let mounted = ''
	t.after(() => void execFileSync('umount', ['-l', mounted]))
	return await openDoor(t, {
		nodes: 1,
		config,
		mount(path) {
			execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'none', path])
			mounted = path
		},
	})
}

test('no room in the middle: 507, and all is as it was, the trash too', async (t) => {
	const door = await openSmall(t, { classes: [{ name: 'default', pattern: '', copies: 1, trashDays: 30 }] })
	for (const name of ['a/1', 'a/2']) await put(door, name, HALF)
	await fill(door, 'b', 'old')
	const before = await standing(door)
	for (const [target, prefix] of [['b', 'dav'], ['b', 'files'], ['fresh', 'dav']]) assert.equal((await copy(door, 'a', target, prefix)).status, 507)
	assert.deepEqual(await standing(door), before)
	assert.equal(await text(door, 'b/in/1'), 'old 1')
	assert.deepEqual(door.reports, [])
})

test('of what a door left that was killed the trash keeps what somebody had, and no half copy', async (t) => {
	const door = await openDoor(t, { nodes: 1, config: { classes: [{ name: 'default', pattern: '', copies: 1, trashDays: 30 }] } })
	const idOf = async (name: string) => (await door.driver.all<{ id: number }>('SELECT file_id AS id FROM entry WHERE name = ?', [Buffer.from(name)]))[0].id
	await fill(door, 'd/replaced', 'old')
	const stakes = [`${GONE}-0-1`, `${GONE}-0-2`]
	await copy(door, 'd/replaced', `d/.cairn-copy-${stakes[0]}`, 'files', 'MOVE')
	await fill(door, `d/.cairn-copy-${stakes[1]}`, 'half')
	for (const name of [...stakes.map((stake) => `copy:${stake}`), `copy-replaced:${stakes[0]}`]) {
		await door.driver.change('INSERT INTO lease (name, client_id, token, until_at) VALUES (?, ?, ?, 9999999999)', [name, GONE, await idOf('d')])
	}
	await door.second()
	await until('nobody has a stake in them', async () => (await door.driver.all("SELECT name FROM lease WHERE name LIKE 'copy%'")).length === 0 || undefined)
	const [day] = await names(door, '.trash/')
	assert.deepEqual([await names(door, 'd/'), await names(door, `.trash/${day}/d/`)], [[], [`.cairn-copy-${stakes[0]}`]])
	assert.equal(await text(door, `.trash/${day}/d/.cairn-copy-${stakes[0]}/in/1`), 'old 1')
})

test('of what a door left that was killed nothing stays where somebody moves a part of it away meanwhile', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const idOf = async (name: string) => (await door.driver.all<{ id: number }>('SELECT file_id AS id FROM entry WHERE name = ?', [Buffer.from(name)]))[0].id
	const left = `.cairn-copy-${GONE}-0-1`
	for (const path of ['moved/1', 'moved/2', 'other/1']) await put(door, `d/${left}/${path}`, 'half')
	// With the first name that goes.
	await door.driver.script("CREATE TRIGGER moves AFTER DELETE ON entry WHEN OLD.name = X'31' BEGIN UPDATE entry SET parent_id = 1 WHERE name = X'6D6F766564'; END")
	await door.driver.change('INSERT INTO lease (name, client_id, token, until_at) VALUES (?, ?, ?, 9999999999)', [`copy:${GONE}-0-1`, GONE, await idOf('d')])
	await door.second()
	await until('nobody has a stake in it', async () => (await door.driver.all("SELECT name FROM lease WHERE name LIKE 'copy%'")).length === 0 || undefined)
	assert.deepEqual([await names(door, 'd/'), await names(door, 'moved/')], [[], ['2']])
})

test('what gives way to a directory is kept under the path it had', async (t) => {
	const door = await openDoor(t, { nodes: 1, config: { classes: [{ name: 'default', pattern: '', copies: 1, trashDays: 30 }] } })
	await fill(door, 'u/a', 'new')
	await fill(door, 'u/b', 'old')
	await put(door, 'c', 'a file')
	assert.equal((await copy(door, 'u/a', 'u/b')).status, 204)
	assert.equal((await copy(door, 'u/a', 'c')).status, 204)
	const [day] = await names(door, '.trash/')
	assert.equal(await text(door, `.trash/${day}/u/b/in/1`), 'old 1')
	assert.equal(await text(door, `.trash/${day}/c`), 'a file')
	await fill(door, 'm/d', 'older')
	assert.equal((await copy(door, 'u/a', 'm/d', 'dav', 'MOVE')).status, 204)
	assert.equal(await text(door, `.trash/${day}/m/d/in/1`), 'older 1')
	assert.deepEqual(await names(door, `.trash/${day}/`), ['c', 'm', 'u'])
	assert.deepEqual(await names(door, 'u/'), ['b'])
})

test('the catalogue does not say in time that a copy, or what was moved, has taken its place: 503, and of what it replaced nothing is left', { timeout: 120_000 }, async (t) => {
	const server = await startMariadb()
	const proxy = await startProxy(server.port)
	const database = 'copy_undecided'
	await server.freshDatabase(database)
	const engine = { name: 'MariaDB', address: async () => server.tcpUrl(database, proxy.port) }
	const door = await openDoor(t, { engine, nodes: 1, config: { catalogueTimeoutMs: 3_000 } })
	t.after(() => proxy.close())
	for (const method of ['COPY', 'MOVE']) {
		await fill(door, 'a', 'new')
		await fill(door, 'b', 'old')
		proxy.lose('unanswered', 'UPDATE moves')
		assert.equal((await copy(door, 'a', 'b', 'dav', method)).status, 503)
		await until('nobody has a stake in it', async () => (await door.driver.all("SELECT name FROM lease WHERE name LIKE 'copy%'")).length === 0 || undefined)
		assert.deepEqual(await names(door), method === 'COPY' ? ['a', 'b'] : ['b'])
		assert.deepEqual([await text(door, 'b/in/1'), readFileSync(door.node(1, 'b/in/1'), 'utf8')], ['new 1', 'new 1'])
	}
})
