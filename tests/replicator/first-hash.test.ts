/** Files that come with several copies and without a hash, as an import brings them: one that rotted is not what the others are held against. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import * as disk from 'node:fs'
import { test, type TestContext } from 'node:test'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { verify } from '../../replicator/verify/verify.ts'
import { walk } from '../../replicator/walk/walk.ts'
import { installation } from '../unit/installation.ts'
import { copiedFile, putCopy, runOn, sha256, states } from './copies.ts'

const { good, wanted, suspect, surplus } = REPLICA
const RIGHT = 'right bytes'
const ROTTEN = 'r0tten byte'

/** The copy on node 1 has rotted, with its size and times as they were. Nobody knows a hash of the file. */
async function rotten(t: TestContext, { copies, nodes = copies }: { copies: number; nodes?: number }) {
	const place = await installation(t, nodes, [{ name: 'some', pattern: '', copies }])
	const client = await place.start()
	const { fs, catalogue } = client
	const all = Array.from({ length: nodes }, (_, index) => index + 1)
	const id = await copiedFile(place, client, 'f', RIGHT, all)
	const md5 = createHash('md5').update(RIGHT).digest('hex')
	const forget = async () => {
		await catalogue.change('UPDATE file SET hash = NULL, hash_version = 0')
		await catalogue.change('UPDATE replica SET verified_at = NULL')
	}
	await forget()
	putCopy(place, fs, { id, node: 1, name: 'f' }, ROTTEN)
	return {
		place,
		fs,
		id,
		catalogue,
		forget,
		importMd5: () =>
			catalogue.change('INSERT INTO xattr (file_id, name, value) VALUES (?, ?, ?)', [id, Buffer.from('user.md5'), Buffer.from(md5)]),
		contents: () => all.map((node) => disk.existsSync(place.node(node, 'f')) && disk.readFileSync(place.node(node, 'f'), 'utf8')),
		hash: () => {
			const [{ hash }] = place.rows('SELECT hash FROM file WHERE id = ?', id)
			return hash && Buffer.from(hash)
		},
	}
}

test('copies that differ, and nothing to tell by: named, and nothing is concluded', async (t) => {
	const { place, fs, id, contents, hash } = await rotten(t, { copies: 2 })
	for (const node of [1, 2]) {
		const { outcomes, said } = await runOn(fs, node, verify())
		assert.deepEqual(outcomes, {})
		assert.match(said.join(), /^f: the copies on node\d and node\d differ, and nothing says which is right$/)
	}
	assert.deepEqual([contents(), states(place, id), hash()], [[ROTTEN, RIGHT], { 1: good, 2: good }, null])
})

test('the MD5 that came with the file says which of them is right; that one is what the others are held against', async (t) => {
	const { place, fs, id, importMd5, contents, hash } = await rotten(t, { copies: 2 })
	await importMd5()
	assert.deepEqual((await runOn(fs, 1, verify())).outcomes, { damaged: 1 })
	assert.deepEqual(hash(), sha256(Buffer.from(RIGHT)))
	assert.deepEqual((await runOn(fs, 2, verify({ all: true }))).outcomes, { good: 1 })
	assert.deepEqual((await runOn(fs, 1, replicate())).outcomes, { copied: 1 })
	assert.deepEqual([contents(), states(place, id)], [[RIGHT, RIGHT], { 1: good, 2: good }])
})

test('copies that are equal get their hash and their proofs at once', async (t) => {
	const { place, fs, id, hash } = await rotten(t, { copies: 2 })
	putCopy(place, fs, { id, node: 1, name: 'f' }, RIGHT)
	assert.deepEqual((await runOn(fs, 1, verify())).outcomes, { good: 1 })
	assert.deepEqual(hash(), sha256(Buffer.from(RIGHT)))
	assert.deepEqual(place.rows('SELECT COUNT(verified_at) AS proved FROM replica')[0].proved, 2)
})

test('one that is missing is not replaced by one of several that differ', async (t) => {
	const { place, fs, id, contents } = await rotten(t, { copies: 3 })
	disk.rmSync(place.node(3, 'f'))
	const { outcomes, said } = await runOn(fs, 3, verify())
	assert.deepEqual(outcomes, {})
	assert.match(said.join(), /node1 and node2 differ/)
	assert.deepEqual([contents(), states(place, id)], [[ROTTEN, RIGHT, false], { 1: good, 2: good, 3: good }])
})

test('trim removes no copy for one that nobody compared with it', async (t) => {
	const { place, fs, id, catalogue, importMd5, contents, hash } = await rotten(t, { copies: 1, nodes: 2 })
	await catalogue.change('UPDATE replica SET state = ? WHERE node_id = 2', [surplus])
	for (const options of [{ dryRun: true }, {}]) {
		const { outcomes, notes } = await runOn(fs, 2, trim(options))
		assert.deepEqual(outcomes, { kept: 1 })
		assert.match(notes.join(), /the copies on node1 and node2 differ/)
	}
	assert.deepEqual([contents(), hash()], [[ROTTEN, RIGHT], null])
	await importMd5()
	await runOn(fs, 2, trim())
	assert.deepEqual([contents(), states(place, id)[1]], [[ROTTEN, RIGHT], suspect])
})

for (const many of [1, 10])
	test(`a copy made of one of several is no hash for the others: ${many} files`, async (t) => {
		const { place, fs, id, catalogue, forget, hash } = await rotten(t, { copies: 3 })
		const client = { fs, catalogue } as Parameters<typeof copiedFile>[1]
		for (let number = 1; number < many; number++) await copiedFile(place, client, `f${number}`, RIGHT, [1, 2, 3])
		await forget()
		await catalogue.change('UPDATE replica SET state = ?, version = 0 WHERE node_id = 3', [wanted])
		for (const name of disk.readdirSync(place.node(3)).filter((each) => each.startsWith('f'))) disk.rmSync(place.node(3, name))
		assert.deepEqual((await runOn(fs, 3, replicate())).outcomes, { copied: many })
		assert.deepEqual([hash(), states(place, id)], [null, { 1: good, 2: good, 3: good }])
	})

test('a walk that reads everything again neither takes the one for the hash nor sets the other aside', async (t) => {
	const { place, fs, id, contents, hash } = await rotten(t, { copies: 2 })
	for (const node of [1, 2]) {
		const { outcomes, troubles } = await runOn(fs, node, walk({ rehash: true }))
		assert.deepEqual([outcomes, troubles], [{}, 1])
	}
	assert.deepEqual([contents(), states(place, id), hash()], [[ROTTEN, RIGHT], { 1: good, 2: good }, null])
	putCopy(place, fs, { id, node: 1, name: 'f' }, RIGHT)
	assert.deepEqual((await runOn(fs, 1, walk({ rehash: true }))).outcomes, { proved: 1 })
	assert.deepEqual(hash(), sha256(Buffer.from(RIGHT)))
})
