/** What verifying and trimming ask of the catalogue, on both engines. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { addNode } from '../../cli/node-add.ts'
import type { Driver } from '../../core/catalogue/driver.ts'
import * as entries from '../../core/catalogue/entries.ts'
import * as files from '../../core/catalogue/files.ts'
import * as proofs from '../../core/catalogue/proofs.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import * as verifyDays from '../../core/catalogue/verify-days.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { startFilesystem } from '../../core/filesystem/start.ts'
import { ROOT_ID } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { closeNode } from '../../core/nodes/open-node.ts'
import { run } from '../../core/op.ts'
import { runJob } from '../../replicator/replicator.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { verify, type VerifyOptions } from '../../replicator/verify/verify.ts'
import { type Engine, engines, open } from '../catalogue/engines.ts'
import { runOn } from './copies.ts'

const classes = [{ name: 'two', pattern: '', copies: 2 }]
const NODES = [1, 2, 3]
const TIME = { mtime: 1_000_000_000, mtimeNs: 123_456_789 }

async function tree(t: TestContext, engine: Engine) {
	const catalogue = await open(t, await engine.address(t))
	await initialise(catalogue, { owner: { uid: 0, gid: 0 }, classes, now: { s: 1, ns: 0 } })
	const directory = disk.mkdtempSync('/tmp/cairn-proofs-')
	t.after(() => disk.rmSync(directory, { recursive: true, force: true }))
	const at = (node: number, name = '') => join(directory, `node${node}`, name)
	for (const node of NODES) {
		disk.mkdirSync(at(node))
		await addNode(catalogue, `node${node}`, { path: at(node), zone: '', reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	}
	const fs = await run(startFilesystem({ config: withDefaults({ classes }), catalogue, what: 'test', report: () => undefined }))
	t.after(() => {
		for (const node of fs.nodes.values()) closeNode(node)
	})
	const add = async (id: number, text: string) => {
		await addFile(catalogue, id, text.length)
		for (const node of NODES) {
			disk.writeFileSync(at(node, `f${id}`), text)
			await (fs.nodes.get(node) as Node).operations.setAttributes(Buffer.from(`f${id}`), TIME)
		}
	}
	return { catalogue, fs, at, add }
}

async function addFile(catalogue: Driver, id: number, size: number): Promise<void> {
	const times = { atime: 1, atime_ns: 0, mtime: TIME.mtime, mtime_ns: TIME.mtimeNs, ctime: 1, ctime_ns: 0 }
	const row = {
		id,
		kind: files.KIND.regular,
		mode: 0o644,
		uid: 0,
		gid: 0,
		rdev: 0,
		nlink: 1,
		size,
		blocks: 8,
		...times,
		version: 3,
		class_id: 1,
		flags: 0,
	}
	await catalogue.transaction(function* (tx) {
		files.insert(tx, row)
		entries.insert(tx, ROOT_ID, Buffer.from(`f${id}`), id)
		for (const node of NODES) replicas.insert(tx, id, node, 3, REPLICA.good)
	})
}

const ids = (rows: proofs.CopyRow[]) => rows.map((row) => row.file_id)

/** What a run says there is to do, as often as it says so, and what it did. */
async function announced(fs: Filesystem, options: VerifyOptions) {
	const said: Array<[files: number, bytes: number]> = []
	const watcher = { expected: (files: number, bytes: number) => void said.push([files, bytes]) }
	const { summary } = await runJob(fs, fs.nodes.get(1) as Node, verify(options), { signal: new AbortController().signal, watcher })
	return { said, outcomes: summary?.outcomes }
}

for (const engine of engines) {
	test(`${engine.name}: who watches is told at the start how much there is`, async (t) => {
		const { catalogue, fs, add } = await tree(t, engine)
		for (const [id, text] of [[11, 'a'], [12, 'four'], [13, 'seven..']] as const) await add(id, text)
		assert.deepEqual(await announced(fs, { isWatched: true, all: true }), { said: [[3, 12]], outcomes: { good: 3 } })
		await catalogue.change('UPDATE replica SET verified_at = NULL WHERE node_id = 1 AND file_id = 12')
		assert.deepEqual((await announced(fs, { isWatched: true })).said, [[3, 4]])
		assert.deepEqual(await announced(fs, { isWatched: true, all: true }), { said: [[3, 12]], outcomes: { good: 3 } })
	})

	test(`${engine.name}: copies by proof, a page at a time`, async (t) => {
		const { catalogue } = await tree(t, engine)
		for (const id of [11, 12, 13, 14, 15]) await addFile(catalogue, id, 1)
		await catalogue.change('UPDATE replica SET verified_at = 100 WHERE node_id = 1 AND file_id IN (12, 14, 15)')
		await catalogue.change('UPDATE replica SET verified_at = 90 WHERE node_id = 1 AND file_id = 13')
		assert.deepEqual(ids(await proofs.neverProved(catalogue, 1, { after: 0, limit: 9 })), [11])
		assert.deepEqual(ids(await proofs.neverProved(catalogue, 2, { after: 12, limit: 2 })), [13, 14])
		assert.deepEqual(ids(await run(proofs.provedFrom(catalogue, 1, 0, { after: 0, limit: 2 }))), [13, 12])
		assert.deepEqual(ids(await run(proofs.provedFrom(catalogue, 1, 100, { after: 12, limit: 2 }))), [14, 15])
		assert.deepEqual(ids(await run(proofs.provedFrom(catalogue, 1, 100, { after: 15, limit: 2 }))), [])
		const [row] = await proofs.ofState(catalogue, 1, REPLICA.good, { after: 12, limit: 1 })
		assert.deepEqual([row.file_id, row.verified_at, row.version, row.file_version], [13, 90, 3, 3])
		await catalogue.transaction(function* (tx) {
			proofs.demote(tx, { file: 12, node: 1 }, REPLICA.wanted)
			proofs.demote(tx, { file: 13, node: 1 }, REPLICA.suspect)
		})
		const rows = await catalogue.all(
			'SELECT state, version, verified_at FROM replica WHERE node_id = 1 AND file_id IN (12, 13) ORDER BY file_id',
		)
		assert.deepEqual(
			rows.map((each) => ({ ...each })),
			[
				{ state: 2, version: 0, verified_at: null },
				{ state: 3, version: 3, verified_at: null },
			],
		)
		const standing = (await proofs.standings(catalogue)).map((each) => [
			each.node_id,
			each.copies,
			each.never,
			each.suspect,
			each.oldest,
		])
		assert.deepEqual(standing, [
			[1, 4, 2, 1, 100],
			[2, 5, 5, 0, null],
			[3, 5, 5, 0, null],
		])
	})

	test(`${engine.name}: figures add up by day`, async (t) => {
		const { catalogue } = await tree(t, engine)
		const { capabilities } = catalogue
		const before = (await proofs.now(catalogue, capabilities))?.now ?? 0
		for (const node of [1, 2, 1]) {
			await catalogue.transaction(function* (tx) {
				verifyDays.add(tx, node, { files: 2, bytes: 10, bad: 1 }, capabilities)
			})
		}
		const rows = await verifyDays.list(catalogue, 1, capabilities)
		assert.deepEqual(
			rows.map((each) => [each.node_id, each.files, each.bytes, each.bad]),
			[
				[1, 4, 20, 2],
				[2, 2, 10, 1],
			],
		)
		const after = (await proofs.now(catalogue, capabilities))?.now ?? 0
		assert.ok(rows.every(({ day }) => day === Math.floor(before / 86_400) || day === Math.floor(after / 86_400)))
	})

	test(`${engine.name}: verified, damaged, removed`, async (t) => {
		const { catalogue, fs, at, add } = await tree(t, engine)
		for (const id of [21, 22, 23]) await add(id, `content of ${id}`)
		for (const node of NODES) assert.deepEqual((await runOn(fs, node, verify({ all: true }))).outcomes, { good: 3 })
		disk.writeFileSync(at(1, 'f21'), 'content OF 21')
		await (fs.nodes.get(1) as Node).operations.setAttributes(Buffer.from('f21'), TIME)
		disk.unlinkSync(at(1, 'f22'))
		assert.deepEqual((await runOn(fs, 1, verify({ all: true }))).outcomes, { damaged: 1, missing: 1, good: 1 })
		await catalogue.change('UPDATE replica SET state = 4 WHERE node_id = 3')
		assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1, kept: 2 })
		const rows = await catalogue.all('SELECT file_id, node_id, state FROM replica ORDER BY file_id, node_id')
		assert.deepEqual(
			rows.map((row) => [row.file_id, row.node_id, row.state]),
			[
				[21, 1, 2],
				[21, 2, 1],
				[21, 3, 4],
				[22, 1, 2],
				[22, 2, 1],
				[22, 3, 4],
				[23, 1, 1],
				[23, 2, 1],
			],
		)
		assert.deepEqual([disk.existsSync(at(3, 'f23')), disk.existsSync(at(3, 'f21'))], [false, true])
		assert.deepEqual(await catalogue.all('SELECT * FROM intent'), [])
	})

	test(`${engine.name}: two who want to remove the last two copies`, async (t) => {
		const { catalogue, fs, at, add } = await tree(t, engine)
		const second = await run(startFilesystem({ config: fs.config, catalogue, what: 'second', report: () => undefined }))
		t.after(() => {
			for (const node of second.nodes.values()) closeNode(node)
		})
		const many = Array.from({ length: 40 }, (_, index) => 100 + index)
		for (const id of many) await add(id, `content of ${id}`)
		for (const node of NODES) await runOn(fs, node, verify())
		await catalogue.change('UPDATE class SET copies = 1')
		for (const each of [fs, second]) for (const rule of each.classes) rule.copies = 1
		await catalogue.change('DELETE FROM replica WHERE node_id = 3')
		// Each sees the other's copy good, until whoever levels nodes says, in the middle of it, that both may go.
		await catalogue.change('UPDATE replica SET state = 4 WHERE node_id = 1')
		const turnRound = catalogue.change('UPDATE replica SET state = 4 WHERE node_id = 2 AND file_id % 2 = 0')
		await Promise.all([runOn(fs, 1, trim()), runOn(second, 2, trim()), turnRound])
		for (const id of many)
			assert.ok(
				[1, 2].some((node) => disk.existsSync(at(node, `f${id}`))),
				`f${id} is gone`,
			)
	})
}
