/** What a thread finds on a node before it is asked. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { type TestContext, test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { isToBeScouted, scoutEarly, startEarly, SURVEYED_NAMES_MAX } from '../../replicator/hashing/early.ts'
import { openHashing } from '../../replicator/hashing/hashing.ts'
import { at, now, OWNER, writeFile } from '../unit/installation.ts'
import { ground } from './walked.ts'

async function scouted(t: TestContext, files: Record<string, string>, uuid?: string) {
	const place = await ground(t)
	for (const [path, text] of Object.entries(files)) place.put(1, path, text)
	const node = place.client.fs.nodes.get(1)
	assert.ok(node)
	const hashing = openHashing(1)
	t.after(() => hashing.end())
	startEarly()
	scoutEarly({ root: node.root, uuid: uuid ?? node.row.uuid })
	return { ...place, hashing, survey: (...paths: string[]) => hashing.survey(node, paths.map((path) => Buffer.from(path)), SURVEYED_NAMES_MAX), root: node.root, of: node }
}

test('all of a node, below directories that are not simple too', async (t) => {
	const { survey, node } = await scouted(t, { 'a/f': '1', 'a/b/g': '12', 'a-/h': '123', 'odd/below/i': '1' })
	disk.symlinkSync('f', node(1, 'odd/link'))
	const [a, ab, dash, odd, below, gone] = await survey('a', 'a/b', 'a-', 'odd', 'odd/below', 'gone')
	assert.deepEqual([a, ab, dash].map((each) => each?.facts.split(',')[0]), ['f\x001', 'g\x002', 'h\x003'])
	assert.deepEqual([a?.directories, a?.isEarly, ab?.isEarly, dash?.isEarly], [['b'], true, true, true])
	assert.deepEqual([odd, below?.facts.split(',')[0], below?.isEarly, gone], [undefined, 'i\x001', false, undefined])
	const [again] = await survey('a')
	assert.equal(again?.isEarly, false, 'what was found is given out once')
})

test('files can be read meanwhile, and the rest is asked for', async (t) => {
	const { survey, hashing, of } = await scouted(t, { 'a/f': 'text' })
	const read = hashing.hashFile(of, Buffer.from('a/f'))
	const [a] = await survey('a')
	assert.deepEqual([a?.files, (await read).stat.size], [1, 4])
})

test('another node than the one meant is not looked at', async (t) => {
	const { survey, root } = await scouted(t, { 'a/f': 'text' }, 'another')
	const [a] = await survey('a')
	assert.deepEqual([a?.files, a?.isEarly, isToBeScouted(root, Buffer.from('b'))], [1, false, false])
})

test('a directory made after it was looked for is not taken for gone', async (t) => {
	const { client, walk, root, file } = await scouted(t, {})
	while (isToBeScouted(root, Buffer.from('d'))) await new Promise(setImmediate)
	now(makeDirectory(client.fs, at('d'), { ...OWNER, mode: 0o755 }))
	for (let each = 0; each < 10; each++) writeFile(client.fs, `${each}`, 'text', file('d')?.id)
	flushLater(client.fs)
	const { outcomes, troubles } = await walk()
	assert.deepEqual([outcomes, troubles], [{ known: 10 }, []])
})
