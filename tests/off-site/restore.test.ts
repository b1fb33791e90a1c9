/** The way back: from sites into the tree, into a directory, as a drill. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run as runDrill } from '../../cli/drill.ts'
import { run as runRestore } from '../../cli/restore.ts'
import { takeOut } from '../../cli/restore-out.ts'
import { findSite } from '../../cli/site-set.ts'
import * as orders from '../../core/catalogue/backup-orders.ts'
import * as entries from '../../core/catalogue/entries.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { link } from '../../core/filesystem/links.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { setXattr } from '../../core/filesystem/xattrs.ts'
import { ROOT_ID } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { place } from '../../core/off-site/order.ts'
import { wantedBack } from '../../core/off-site/wanted-back.ts'
import { run } from '../../core/op.ts'
import { runJob } from '../../replicator/replicator.ts'
import { verify } from '../../replicator/verify/verify.ts'
import { engines } from '../catalogue/engines.ts'
import { until } from '../support/until.ts'
import { cairn, type Keeper, openKeeper, type Said, type TestSite } from './keeper.ts'

type Options = Partial<Parameters<typeof runRestore>[0]>

function restore(keeper: Keeper, options: Options): Promise<Said> {
	const all = { path: undefined, from: 'attic', overwrite: false, deleted: false, wait: true, cancel: false, json: true, ...options }
	return cairn(keeper, (deps) => runRestore(all, deps))
}

/** The command, and the site's agent that calls until it is over. */
async function answered(site: TestSite, command: Promise<Said>, partBytes?: number): Promise<Said> {
	let over = false
	const said = command.finally(() => {
		over = true
	})
	while (!over) {
		await site.sendBack({ partBytes })
		await new Promise((resolve) => setTimeout(resolve, 50))
	}
	return await said
}

for (const engine of engines) {
	test(`${engine.name}: files whose copies are lost get them back, and stay the files they are`, async (t) => {
		const keeper = await openKeeper(t, { engine, nodes: 1 })
		const attic = await keeper.site('attic')
		const a = await keeper.put('d/a', 'alpha'.repeat(1_000))
		const b = await keeper.put('d/e/b\xff', 'beta')
		const empty = await keeper.put('empty', '')
		await run(setAttributes(keeper.fs, a, { mode: 0o640, uid: 5, gid: 6, mtime: { s: 1_000_000_000, ns: 7 } }))
		await run(setXattr(keeper.fs, a, Buffer.from('user.colour'), Buffer.from('blue'), { create: false, replace: false }))
		const d = await entries.lookup(keeper.driver, ROOT_ID, Buffer.from('d'))
		await run(link(keeper.fs, a, { parent: d?.id as number, name: Buffer.from('hard') }))
		await keeper.feed()
		assert.equal((await attic.fetchBatch()).length, 3)
		const before = await keeper.driver.all('SELECT id, mode, uid, gid, size, mtime, mtime_ns, nlink, version FROM file ORDER BY id')
		for (const name of ['d', 'empty']) rmSync(keeper.node(1, name), { recursive: true })

		const said = await answered(attic, restore(keeper, { path: '/' }), 1_000)
		assert.equal(said.exitCode, 0, said.err)
		assert.deepEqual({ ...JSON.parse(said.out), job: '' }, { job: '', ordered: 3, there: 0, taken: [], done: 3, bytes: 5_004, failed: [], left: 0 })
		assert.deepEqual(await keeper.driver.all("SELECT detail FROM site_log WHERE what = 'restore'"), [], 'what went well is no trouble')
		const after = await keeper.driver.all('SELECT id, mode, uid, gid, size, mtime, mtime_ns, nlink, version FROM file ORDER BY id')
		// The root's own times tell that `.restore` came and went.
		assert.deepEqual(after.slice(1), before.slice(1))
		assert.equal(readFileSync(keeper.node(1, 'd/a'), 'utf8'), 'alpha'.repeat(1_000))
		const { mode, uid, mtimeMs, ino } = statSync(keeper.node(1, 'd/a'))
		assert.deepEqual([mode & 0o777, uid, Math.floor(mtimeMs / 1000)], [0o640, 5, 1_000_000_000])
		assert.equal(statSync(keeper.node(1, 'd/hard')).ino, ino)
		assert.equal(execFileSync('getfattr', ['--absolute-names', '--only-values', '-n', 'user.colour', keeper.node(1, 'd/a')], { encoding: 'utf8' }), 'blue')
		assert.equal(readFileSync(keeper.node(1, 'empty'), 'utf8'), '')
		for (const id of [a, b, empty]) {
			const rows = await keeper.driver.all('SELECT state, version FROM replica WHERE file_id = ?', [id])
			assert.deepEqual(rows.map((row) => ({ ...row })), [{ state: 1, version: 1 }])
		}
		const again = await restore(keeper, { path: 'd' })
		assert.deepEqual([JSON.parse(again.out).there, JSON.parse(again.out).ordered], [2, 0])
		assert.deepEqual(await keeper.driver.all('SELECT * FROM intent'), [])
	})

	test(`${engine.name}: what a site told no hash of is compared with what the catalogue knows`, async (t) => {
		const keeper = await openKeeper(t, { engine, nodes: 1 })
		const attic = await keeper.site('attic')
		const content = Buffer.from('the right bytes')
		const digest = (algorithm: string) => createHash(algorithm).update(content).digest()
		const hashed = await keeper.put('hashed', content)
		const imported = await keeper.put('imported', content)
		await keeper.put('unknown', content)
		await keeper.feed()
		await attic.fetchBatch()
		await keeper.driver.change('UPDATE backup SET hash = NULL')
		await keeper.driver.change('UPDATE file SET hash = ?, hash_version = version WHERE id = ?', [digest('sha256'), hashed])
		await keeper.driver.change('INSERT INTO xattr (file_id, name, value) VALUES (?,?,?)', [imported, Buffer.from('user.md5'), Buffer.from(digest('md5').toString('hex'))])
		for (const [path, status] of [['hashed', 422], ['imported', 422], ['unknown', 200]] as const) {
			rmSync(keeper.node(1, path))
			await restore(keeper, { path, wait: false })
			const [{ order, hash }] = (await attic.ask('GET', '/backup/v1/orders')).body.orders
			assert.equal(hash, null)
			const put = (body: Buffer) => attic.ask('PUT', `/backup/v1/orders/${order}?offset=0`, { body })
			assert.equal((await put(Buffer.from('the r0tten byte'))).status, status, path)
			assert.equal((await put(content)).body.done, true, path)
			assert.equal(readFileSync(keeper.node(1, path), 'utf8') === content.toString(), status === 422, path)
		}
	})

	test(`${engine.name}: what stands on the node where the copy goes, and is no good copy, is kept and listed`, async (t) => {
		const keeper = await openKeeper(t, { engine, nodes: 1 })
		const attic = await keeper.site('attic')
		const edited = await keeper.put('edited', 'as the site has it')
		await run(link(keeper.fs, edited, { parent: ROOT_ID, name: Buffer.from('hard') }))
		const adopted = await keeper.put('adopted', 'as the site has it too')
		await keeper.feed()
		await attic.fetchBatch()
		writeFileSync(keeper.node(1, 'edited'), 'a week of work')
		const node = keeper.fs.nodes.get(1) as Node
		await runJob(keeper.fs, node, verify({ all: true }), { signal: new AbortController().signal })
		// As a node that took another's place with the files of a backup, before it is walked.
		await keeper.driver.change('UPDATE replica SET state = 2, version = 0, verified_at = NULL WHERE file_id = ?', [adopted])
		writeFileSync(keeper.node(1, 'adopted'), 'of another day')
		const said = await answered(attic, restore(keeper, { path: '/' }))
		assert.equal(JSON.parse(said.out).done, 2, said.err)
		assert.deepEqual(['edited', 'hard', 'adopted'].map((path) => readFileSync(keeper.node(1, path), 'utf8')), ['as the site has it', 'as the site has it', 'as the site has it too'])
		assert.equal(statSync(keeper.node(1, 'edited')).ino, statSync(keeper.node(1, 'hard')).ino)
		const kept = await until('they are listed', async () => {
			const rows = await keeper.driver.all<{ path: Uint8Array; aside: Uint8Array }>('SELECT path, aside FROM conflict ORDER BY path')
			return rows.length === 3 ? rows : undefined
		})
		const texts = kept.map(({ path, aside }) => `${Buffer.from(path)}: ${readFileSync(keeper.node(1, Buffer.from(aside).toString()), 'utf8')}`)
		assert.deepEqual(texts, ['adopted: of another day', 'edited: a week of work', 'hard: a week of work'])
	})

	test(`${engine.name}: what stands there and is about to be moved elsewhere is not set aside`, async (t) => {
		const keeper = await openKeeper(t, { engine, nodes: 1 })
		const attic = await keeper.site('attic')
		const lost = await keeper.put('lost', 'as the site has it')
		await keeper.put('moved', 'another file')
		await keeper.feed()
		await attic.fetchBatch()
		const { operations } = keeper.fs.nodes.get(1) as Node
		const [begun, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
		const slow = t.mock.method(operations, 'rename', async (...args: Parameters<typeof operations.rename>) => {
			begun.resolve()
			await goesOn.promise
			slow.mock.restore()
			return operations.rename(...args)
		})
		const at = (name: string) => ({ parent: ROOT_ID, name: Buffer.from(name) })
		const moving = Promise.resolve(run(rename(keeper.fs, at('moved'), at('elsewhere'), 'replace')))
		await begun.promise
		const following = Promise.resolve(run(rename(keeper.fs, at('lost'), at('moved'), 'replace')))
		rmSync(keeper.node(1, 'lost'))
		await keeper.driver.change('UPDATE replica SET state = 2, version = 0 WHERE file_id = ?', [lost])
		await restore(keeper, { path: 'moved', wait: false })
		const coming = attic.sendBack()
		await until('its bytes are there', async () => ((await keeper.driver.all('SELECT id FROM backup_order WHERE received = size')).length > 0 ? true : undefined))
		goesOn.resolve()
		await Promise.all([moving, following, coming])
		await until('all is carried out', async () => ((await keeper.driver.all('SELECT token FROM intent')).length === 0 ? true : undefined))
		assert.deepEqual(['elsewhere', 'moved'].map((path) => readFileSync(keeper.node(1, path), 'utf8')), ['another file', 'as the site has it'])
		assert.deepEqual(await keeper.driver.all('SELECT path FROM conflict'), [])
	})

	test(`${engine.name}: what was deleted or changed comes back when it is asked for by name or time`, async (t) => {
		const keeper = await openKeeper(t, { engine, nodes: 1 })
		const attic = await keeper.site('attic')
		await keeper.put('d/gone', 'gone')
		const changed = await keeper.put('d/changed', 'old')
		await keeper.feed()
		await attic.fetchBatch()
		// As if that had been an hour ago.
		await keeper.driver.change('UPDATE backup SET claimed_at = claimed_at - 3600')
		const old = new Map(attic.held)
		await keeper.put('d/changed', 'new content')
		const d = await entries.lookup(keeper.driver, ROOT_ID, Buffer.from('d'))
		await run(unlink(keeper.fs, { parent: d?.id as number, name: Buffer.from('gone') }))
		await keeper.feed()
		await attic.fetchBatch()
		attic.held.set(-1, old.get(changed) as Buffer)

		const below = await restore(keeper, { path: 'd' })
		assert.deepEqual([JSON.parse(below.out).ordered, JSON.parse(below.out).there], [0, 1])
		const named = await answered(attic, restore(keeper, { path: 'd/gone' }))
		assert.equal(named.exitCode, 0, named.err)
		assert.equal(readFileSync(keeper.node(1, 'd/gone'), 'utf8'), 'gone')
		const taken = await restore(keeper, { path: 'd/changed', at: '30m' })
		assert.match(taken.err, /d\/changed: something else has this path now/)
		assert.equal(taken.exitCode, 17)
		const out = join(keeper.directory, 'out')
		const fetched = await answered(attic, restore(keeper, { path: 'd', at: '30m', to: 'out' }))
		assert.equal(fetched.exitCode, 0, fetched.err)
		assert.equal(readFileSync(join(out, 'd/changed'), 'utf8'), 'old')
		const same = await answered(attic, restore(keeper, { path: 'd/changed', at: '30m', to: 'out' }))
		assert.equal(same.exitCode, 0, same.err)
		writeFileSync(join(out, 'd/changed'), 'own')
		const refused = await answered(attic, restore(keeper, { path: 'd/changed', at: '30m', to: 'out' }))
		assert.match(refused.err, /there is something of that name already/)
		assert.equal(readFileSync(join(out, 'd/changed'), 'utf8'), 'own')
		const over = await answered(attic, restore(keeper, { path: 'd/changed', at: '30m', overwrite: true }))
		assert.equal(over.exitCode, 0, over.err)
		assert.equal(readFileSync(keeper.node(1, 'd/changed'), 'utf8'), 'old')
	})
}

test('whoever names a directory that was deleted hears how it comes back', async (t) => {
	const keeper = await openKeeper(t, { nodes: 1 })
	const attic = await keeper.site('attic')
	for (const path of ['e/one', 'e/two']) await keeper.put(path, path)
	await keeper.feed()
	await attic.fetchBatch()
	const e = await entries.lookup(keeper.driver, ROOT_ID, Buffer.from('e'))
	for (const name of ['one', 'two']) await run(unlink(keeper.fs, { parent: e?.id as number, name: Buffer.from(name) }))
	await run(removeDirectory(keeper.fs, { parent: ROOT_ID, name: Buffer.from('e') }))
	const named = await restore(keeper, { path: 'e' })
	assert.equal(named.exitCode, 8)
	assert.match(named.err, /attic has nothing of that but 2 files deleted from the tree: --deleted/)
	assert.match((await restore(keeper, { path: 'x' })).err, /attic has nothing of that$/)
	const back = await answered(attic, restore(keeper, { path: 'e', deleted: true }))
	assert.equal(back.exitCode, 0, back.err)
	assert.equal(readFileSync(keeper.node(1, 'e/two'), 'utf8'), 'e/two')
})

test('what is taken out of the tree leaves alone what another has under way there', async (t) => {
	const keeper = await openKeeper(t, { nodes: 1 })
	const attic = await keeper.site('attic')
	await keeper.put('f', 'content')
	await keeper.feed()
	await attic.fetchBatch()
	const { id: site } = await findSite(keeper.driver, 'attic')
	const wanted = wantedBack(keeper.fs, { site, path: Buffer.from('f'), className: undefined, at: undefined, deleted: false })
	await place(keeper.fs, wanted, { site, job: 'out', elsewhere: true, overwrite: false })
	await attic.sendBack()
	await until('nobody writes it any more', async () => (await keeper.driver.all('SELECT file_id FROM writer')).length === 0 || undefined)
	const [order] = await orders.ofJob(keeper.driver, 'out', 'arrived', 1)
	const out = join(keeper.directory, 'out')
	const others = join(out, `f.cairn-${order.id}`)
	mkdirSync(out)
	writeFileSync(others, 'half')
	await takeOut(keeper.fs, order, out)
	assert.deepEqual([readFileSync(join(out, 'f'), 'utf8'), readFileSync(others, 'utf8')], ['content', 'half'])
})

test('what comes back to a node that was not to have it stands in for a copy that was: there are no more than the class asks for', async (t) => {
	const keeper = await openKeeper(t, { nodes: 3, config: { classes: [{ name: 'default', pattern: '', copies: 2, offsite: 1 }] } })
	const attic = await keeper.site('attic')
	const ids: number[] = []
	for (let n = 0; n < 9; n++) ids.push(await keeper.put(`f${n}`, `content ${n}`))
	await keeper.feed()
	assert.equal((await attic.fetchBatch()).length, 9)
	// All nodes were lost and replaced; wherever the bytes arrive, that node is none of the two for a third of the files.
	for (const [n, id] of ids.entries()) {
		await keeper.driver.change('DELETE FROM replica WHERE file_id = ?', [id])
		for (const node of [1, 2, 3]) {
			rmSync(keeper.node(node, `f${n}`), { force: true })
			if (node !== (n % 3) + 1) await keeper.driver.change('INSERT INTO replica (file_id, node_id, version, state) VALUES (?,?,0,2)', [id, node])
		}
	}
	const said = await answered(attic, restore(keeper, { path: '/' }))
	assert.equal(JSON.parse(said.out).done, 9, said.err)
	for (const id of ids) {
		const rows = await keeper.driver.all<{ state: number }>('SELECT state FROM replica WHERE file_id = ? ORDER BY state', [id])
		assert.deepEqual(rows.map(({ state }) => state), [1, 2], `file ${id}`)
	}
})

test('a drill has a sample sent back and says what became of it', async (t) => {
	const keeper = await openKeeper(t, { nodes: 1 })
	const attic = await keeper.site('attic')
	for (let n = 0; n < 10; n++) await keeper.put(`f${n}`, `content ${n}`)
	await keeper.feed()
	const ids = await attic.fetchBatch()
	const drill = (files = 50) => answered(attic, cairn(keeper, (deps) => runDrill({ files, json: true }, deps)))
	for (const [files, asked] of [[10, 10], [9, 9], [50, 10]]) {
		const [{ failed, ...rest }] = JSON.parse((await drill(files)).out)
		assert.deepEqual([rest.site, rest.asked, rest.done, failed], ['attic', asked, asked, []])
	}
	for (const id of ids) attic.held.set(id, Buffer.from('lost'))
	const bad = await drill()
	assert.equal(bad.exitCode, 17)
	assert.match(bad.err, /attic: f\d: missing/)
	const { failed: missing } = JSON.parse(bad.out)[0]
	assert.equal((await attic.fetchBatch()).length, missing.length, 'what it has no more does not count, and is fetched again')
	assert.equal(await entries.lookup(keeper.driver, ROOT_ID, Buffer.from('.restore')), undefined)
	const lines = await keeper.driver.all<{ detail: string }>("SELECT detail FROM site_log WHERE what = 'drill' ORDER BY id")
	assert.match(lines[0].detail, /^\d+ of \d+ right/)
})

test('two drills of a site at once count the same files', async (t) => {
	const keeper = await openKeeper(t, { nodes: 1 })
	const attic = await keeper.site('attic')
	for (let n = 0; n < 6; n++) await keeper.put(`f${n}`, `content ${n}`)
	await keeper.feed()
	await attic.fetchBatch()
	const drill = () => cairn(keeper, (deps) => runDrill({ files: 6, json: true }, deps))
	const first = drill()
	const asked = async () => (await keeper.driver.all("SELECT id FROM backup_order WHERE state = 'asked' ORDER BY id")) as Array<{ id: number }>
	const [{ id }] = await until('it has asked', async () => ((await asked()).length === 6 ? await asked() : undefined))
	await keeper.driver.change("UPDATE backup_order SET state = 'done' WHERE id = ?", [id])
	const second = answered(attic, drill())
	for (const said of [await second, await first]) {
		const [{ asked: all, done, left }] = JSON.parse(said.out)
		assert.deepEqual([all, done, left], [6, 6, 0], said.err)
	}
})

test('an upload goes on where it was, and wrong bytes are never taken', async (t) => {
	const keeper = await openKeeper(t, { nodes: 1 })
	const [attic, barn] = [await keeper.site('attic'), await keeper.site('barn')]
	const id = await keeper.put('a', 'x'.repeat(10_000))
	await keeper.feed()
	await attic.fetchBatch()
	rmSync(keeper.node(1, 'a'))
	mkdirSync(join(keeper.directory, 'out'))
	await restore(keeper, { path: 'a', wait: false })
	const [{ order }] = (await attic.ask('GET', '/backup/v1/orders')).body.orders
	const put = (site: TestSite, offset: number, body: Buffer) => site.ask('PUT', `/backup/v1/orders/${order}?offset=${offset}`, { body })
	assert.equal((await put(barn, 0, Buffer.from('x'))).status, 404)
	assert.deepEqual((await put(attic, 5, Buffer.from('x'))).body.offset, 0)
	assert.deepEqual((await put(attic, 0, Buffer.alloc(6_000, 'x'))).body, { offset: 6_000, done: false })
	assert.equal((await attic.ask('GET', '/backup/v1/orders')).body.orders[0].offset, 6_000)
	assert.equal((await put(attic, 0, Buffer.alloc(6_000, 'x'))).body.error, 'offset')
	assert.equal((await put(attic, 6_000, Buffer.alloc(4_001, 'x'))).status, 409)
	const wrong = await put(attic, 6_000, Buffer.alloc(4_000, 'y'))
	assert.deepEqual([wrong.status, wrong.body.error, wrong.body.offset], [422, 'hash', 0])
	assert.deepEqual((await put(attic, 0, Buffer.alloc(10_000, 'x'))).body, { offset: 10_000, done: true })
	assert.deepEqual((await put(attic, 0, Buffer.alloc(10_000, 'x'))).body, { offset: 10_000, done: true })
	assert.equal(readFileSync(keeper.node(1, 'a'), 'utf8'), 'x'.repeat(10_000))
	assert.equal((await keeper.driver.all('SELECT id FROM file WHERE id = ?', [id])).length, 1)
	const large = await put(attic, 0, Buffer.alloc(9 * 1_048_576))
	assert.deepEqual([large.status, large.body.error], [413, 'too-large'])
})
