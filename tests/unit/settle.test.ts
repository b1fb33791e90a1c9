/** What dead clients left behind. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { beat, takeLease } from '../../core/filesystem/clients.ts'
import { create } from '../../core/filesystem/create.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { getAttributes } from '../../core/filesystem/lookup.ts'
import { publish, release, retryAbandoned } from '../../core/filesystem/publish.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { fail } from '../../core/errors.ts'
import * as clients from '../../core/catalogue/clients.ts'
import * as leases from '../../core/catalogue/leases.ts'
import type { Driver, Row, Value } from '../../core/catalogue/driver.ts'
import type { Node } from '../../core/nodes/node.ts'
import { at, createFile, installation, now, OWNER, setUp, writeFile } from './installation.ts'

test('a file that a dead client had written and not closed is published as it is on the node', async (t) => {
	const { start, rows } = await installation(t)
	const dying = await start()
	const file = createFile(dying.fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('content'), 0)
	dying.kill()
	const { fs, reports } = await start()
	flushLater(fs)
	const [row] = rows('SELECT size, version FROM file WHERE id = ?', file.id)
	assert.deepEqual([row.size, row.version], [7, 1])
	assert.deepEqual(rows('SELECT * FROM writer'), [])
	assert.deepEqual(rows('SELECT id FROM client').map((client) => client.id), [fs.client])
	assert.match(reports[0], /settled client/)
})

test('what was published already gets no new version', async (t) => {
	const { start, rows } = await installation(t)
	const dying = await start()
	const file = createFile(dying.fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('content'), 0)
	now(publish(dying.fs, file))
	dying.kill()
	await start()
	assert.equal(rows('SELECT version FROM file WHERE id = ?', file.id)[0].version, 1)
})

test('a create that never reached its node is taken back', async (t) => {
	const { start, rows, node } = await installation(t)
	const dying = await start()
	const file = createFile(dying.fs, 'f')
	disk.unlinkSync(node(1, 'f'))
	dying.kill()
	const { fs } = await start()
	flushLater(fs)
	for (const table of ['entry', 'replica', 'writer']) assert.deepEqual(rows(`SELECT * FROM ${table}`), [], table)
	assert.deepEqual(rows('SELECT id FROM file WHERE id = ?', file.id), [])
})

test('whoever was taken for dead a moment ago, by one who was killed then, is settled by the next', async (t) => {
	const { start, rows } = await installation(t)
	const dying = await start()
	createFile(dying.fs, 'f')
	dying.catalogue.transaction(function* (tx) {
		clients.takeForDead(tx, dying.fs.client)
	})
	dying.fs.later.take()
	const { fs } = await start()
	flushLater(fs)
	assert.deepEqual([rows('SELECT * FROM writer'), rows('SELECT id FROM client').map(({ id }) => id)], [[], [fs.client]])
})

test('while its node is away the dead client waits, and its pin holds', async (t) => {
	const { start, rows, node } = await installation(t, 2)
	const dying = await start()
	const file = createFile(dying.fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('content'), 0)
	const marker = node(file.node.id, '.cairn/node.json')
	disk.renameSync(marker, `${marker}.away`)
	dying.kill()
	const { fs } = await start()
	assert.equal(rows('SELECT * FROM writer').length, 1)
	assert.equal(rows('SELECT * FROM client WHERE id = ?', dying.fs.client).length, 1)
	disk.renameSync(`${marker}.away`, marker)
	const back = fs.nodes.get(file.node.id) as Node
	back.operations.identify(back.row.uuid)
	setUp(fs, file.node.id, true)
	now(settle(fs))
	flushLater(fs)
	assert.deepEqual(rows('SELECT * FROM writer'), [])
	assert.equal(rows('SELECT size FROM file WHERE id = ?', file.id)[0].size, 7)
})

test('a file renamed while its node was away is found under its new name', async (t) => {
	const { start, rows, node } = await installation(t)
	const dying = await start()
	const file = createFile(dying.fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('content'), 0)
	setUp(dying.fs, 1, false)
	now(rename(dying.fs, at('f'), at('g'), 'replace'))
	flushLater(dying.fs)
	dying.kill()
	const { fs } = await start()
	flushLater(fs)
	assert.deepEqual(rows('SELECT name FROM entry').map((row) => `${Buffer.from(row.name)}`), ['g'])
	assert.equal(rows('SELECT size FROM file WHERE id = ?', file.id)[0].size, 7)
	assert.equal(disk.readFileSync(node(1, 'g'), 'utf8'), 'content')
})

test("a living client's writers and intents are not touched", async (t) => {
	const { start, rows, node } = await installation(t)
	const living = await start()
	const written = createFile(living.fs, 'w')
	writeFile(living.fs, 'f', 'text')
	setUp(living.fs, 1, false)
	now(unlink(living.fs, at('f')))
	// Still its own: what it gave up would be free for others.
	living.fs.later.take()
	const { fs } = await start()
	now(settle(fs))
	assert.deepEqual(rows('SELECT file_id FROM writer').map((row) => row.file_id), [written.id])
	assert.equal(rows('SELECT client_id FROM intent')[0].client_id, living.fs.client)
	assert.equal(disk.existsSync(node(1, 'f')), true)
})

test('the intents of a dead client are carried out in their order', async (t) => {
	const { start, rows, node } = await installation(t)
	const dying = await start()
	writeFile(dying.fs, 'f', 'first')
	writeFile(dying.fs, 'x', 'other')
	setUp(dying.fs, 1, false)
	now(rename(dying.fs, at('f'), at('g'), 'replace'))
	now(rename(dying.fs, at('x'), at('f'), 'replace'))
	now(rename(dying.fs, at('g'), at('x'), 'replace'))
	dying.kill()
	const { fs } = await start()
	flushLater(fs)
	assert.deepEqual(rows('SELECT * FROM intent'), [])
	assert.equal(disk.readFileSync(node(1, 'x'), 'utf8'), 'first')
	assert.equal(disk.readFileSync(node(1, 'f'), 'utf8'), 'other')
})

test('nobody settles a node whose lease another holds', async (t) => {
	const { start, rows, node } = await installation(t)
	const dying = await start()
	const other = await start()
	const { fs } = await start()
	writeFile(dying.fs, 'f', 'text')
	setUp(dying.fs, 1, false)
	now(unlink(dying.fs, at('f')))
	dying.kill()
	assert.equal(now(takeLease(other.fs, 'settle:1', 60)), true)
	assert.equal(now(takeLease(fs, 'settle:1', 60)), false)
	now(settle(fs))
	assert.equal(rows('SELECT * FROM intent').length, 1)
	assert.equal(disk.existsSync(node(1, 'f')), true)
	now(settle(other.fs))
	assert.equal(disk.existsSync(node(1, 'f')), false)
})

test('what another settled while this one waited for the lease is not done again over what came since', async (t) => {
	const { start, node } = await installation(t)
	const dying = await start()
	const other = await start()
	let meanwhile = () => {}
	const wrap = (driver: Driver): Driver => ({
		...driver,
		transaction(body) {
			const act = meanwhile
			meanwhile = () => {}
			act()
			return driver.transaction(body)
		},
	})
	const { fs } = await start({ wrap })
	writeFile(dying.fs, 'f', 'old')
	setUp(dying.fs, 1, false)
	now(unlink(dying.fs, at('f')))
	dying.kill()
	meanwhile = () => {
		now(settle(other.fs))
		writeFile(other.fs, 'f', 'new')
	}
	now(settle(fs))
	assert.equal(disk.readFileSync(node(1, 'f'), 'utf8'), 'new')
})

test('what others go on adding behind intents while these are settled is settled with them', async (t) => {
	const { start, rows, node } = await installation(t)
	const dying = await start()
	const other = await start()
	const { fs } = await start()
	writeFile(dying.fs, 'a', 'text')
	setUp(dying.fs, 1, false)
	now(rename(dying.fs, at('a'), at('b'), 'noreplace'))
	dying.kill()
	const back = [['b', 'c'], ['c', 'd'], ['d', 'e']]
	const { operations } = fs.nodes.get(1) as Node
	const real = operations.rename
	operations.rename = (...how) => {
		const [from, to] = back.shift() ?? []
		// It has to wait: the one before is not carried out yet.
		if (from && to) now(rename(other.fs, at(from), at(to), 'noreplace'))
		return real(...how)
	}
	now(settle(fs))
	assert.deepEqual(rows('SELECT path FROM intent'), [])
	assert.equal(disk.readFileSync(node(1, 'e'), 'utf8'), 'text')
})

test('the intents of a client that came after this round began are its own', async (t) => {
	const { start, rows, node } = await installation(t)
	const newcomer = await start()
	// The list of clients as it was before.
	const wrap = (driver: Driver): Driver => ({
		...driver,
		all<T = Row>(sql: string, params?: readonly Value[]) {
			const found = driver.all<Row>(sql, params) as Row[]
			return (/FROM client ORDER/.test(sql) ? found.filter(({ id }) => id !== newcomer.fs.client) : found) as T[]
		},
	})
	const { fs } = await start({ wrap })
	writeFile(newcomer.fs, 'f', 'text')
	setUp(newcomer.fs, 1, false)
	now(unlink(newcomer.fs, at('f')))
	newcomer.fs.later.take()
	now(settle(fs))
	assert.equal(rows('SELECT client_id FROM intent')[0]?.client_id, newcomer.fs.client)
	assert.equal(disk.existsSync(node(1, 'f')), true)
})

test('a lease that ran out is for the next, and its former holder can tell', async (t) => {
	const { start } = await installation(t)
	const { fs, catalogue } = await start()
	const other = await start()
	assert.equal(now(takeLease(fs, 'x', 60)), true)
	assert.equal(now(takeLease(other.fs, 'x', 60)), false)
	other.catalogue.change('UPDATE lease SET until_at = 0')
	assert.equal(now(takeLease(other.fs, 'x', 60)), true)
	assert.equal(
		catalogue.transaction((tx) => leases.stillHeld(fs, tx, 'x')),
		false,
	)
})

test('the lease of a dead client is nobody else to wait for', async (t) => {
	const { start } = await installation(t)
	const dying = await start()
	const other = await start()
	assert.equal(now(takeLease(dying.fs, 'x', 60)), true)
	dying.kill()
	assert.equal(now(takeLease(other.fs, 'x', 60)), true)
})

test("the door of whoever settles hears of a dead client's changes", async (t) => {
	const { start } = await installation(t)
	const survivor = await start()
	const dying = await start()
	const file = createFile(dying.fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('content'), 0)
	now(catchUp(survivor.fs))
	survivor.told.length = 0
	dying.kill()
	now(settle(survivor.fs))
	now(catchUp(survivor.fs))
	assert.equal(survivor.told.some((change) => change.file_id === file.id), true)
})

test('a file whose last publish failed keeps its pin, and is published when the catalogue is back', async (t) => {
	const { start, rows } = await installation(t)
	const { fs, catalogue } = await start()
	const file = createFile(fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('content'), 0)
	const { transaction } = catalogue
	catalogue.transaction = () => fail('EIO', 'the catalogue is away')
	assert.throws(() => now(release(fs, file, true)), { code: 'EIO' })
	catalogue.transaction = transaction
	flushLater(fs)
	assert.equal(rows('SELECT * FROM writer').length, 1)
	assert.equal(now(getAttributes(fs, file.id)).size, 7)
	now(retryAbandoned(fs, file))
	flushLater(fs)
	assert.equal(rows('SELECT size FROM file WHERE id = ?', file.id)[0].size, 7)
	assert.deepEqual(rows('SELECT * FROM writer'), [])
	assert.equal(fs.open.size, 0)
})

test('a process that was taken for dead while it lived has its pins again at the next heartbeat', async (t) => {
	const { start, rows } = await installation(t)
	const { fs } = await start()
	const file = createFile(fs, 'f')
	const other = await start()
	other.catalogue.change('DELETE FROM client WHERE id = ?', [fs.client])
	other.catalogue.change('DELETE FROM writer')
	now(beat(fs))
	assert.deepEqual(rows('SELECT file_id FROM writer').map((row) => row.file_id), [file.id])
	assert.equal(rows('SELECT * FROM client WHERE id = ?', fs.client).length, 1)
})

test('no node takes new files: EIO, and nothing is left', async (t) => {
	const { start, rows } = await installation(t)
	const { fs } = await start()
	setUp(fs, 1, false)
	assert.throws(() => now(create(fs, at('f'), OWNER, true)), { code: 'EIO' })
	assert.deepEqual(rows('SELECT * FROM entry'), [])
})

test('a node whose own folder cannot be listed keeps nobody from the others, nor a process from starting; it is tidied when it can be', async (t) => {
	const { start, rows, node } = await installation(t, 2)
	const dying = await start()
	const file = createFile(dying.fs, 'f')
	const [bad, good] = [1, 2].map((id) => node(id, '.cairn/uploads'))
	for (const uploads of [bad, good]) disk.rmSync(uploads, { recursive: true, force: true })
	disk.writeFileSync(bad, 'no folder')
	disk.mkdirSync(join(good, `${dying.fs.client}-0`), { recursive: true })
	dying.kill()
	const { fs, reports } = await start()
	now(settle(fs))
	now(settle(fs))
	assert.deepEqual(rows('SELECT * FROM writer WHERE file_id = ?', file.id), [])
	assert.deepEqual(disk.readdirSync(good), [])
	assert.equal(reports.filter((line) => /^node node1: .*ENOTDIR/.test(line)).length, 1)

	disk.rmSync(bad)
	disk.mkdirSync(join(bad, `${dying.fs.client}-0`), { recursive: true })
	now(settle(fs))
	assert.deepEqual(disk.readdirSync(bad), [])
})
