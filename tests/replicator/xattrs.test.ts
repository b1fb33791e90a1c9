/** Extended attributes: adopted with what has them, and on every copy. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { getXattr, listXattrs, removeXattr, setXattr } from '../../core/filesystem/xattrs.ts'
import { openLocalOperations } from '../../core/nodes/local.ts'
import { mayHaveXattrs, xattrsOf } from '../../core/nodes/xattrs.ts'
import { now, writeFile } from '../unit/installation.ts'
import { makeCopies } from './copying.ts'
import { change, ground } from './walked.ts'

const TWO = [{ name: 'default', pattern: '', copies: 2 }]
const NOTHING_SPECIAL = { create: false, replace: false }

async function place(t: TestContext) {
	const made = await ground(t, 2, TWO)
	const on = (number: number) => {
		const operations = openLocalOperations(made.node(number))
		t.after(() => operations.end())
		return {
			set: (path: string, list: Record<string, string>) =>
				operations.setXattrs(Buffer.from(path), Object.entries(list).map(([name, value]) => ({ name: Buffer.from(name), value: Buffer.from(value) }))),
			get: (path: string) => Object.fromEntries(operations.xattrs(Buffer.from(path)).map(({ name, value }) => [`${name}`, `${Buffer.from(value)}`])),
		}
	}
	const { fs } = made.client
	const inTree = (path: string) => {
		const { id } = made.file(path) as { id: number }
		const names = `${now(listXattrs(fs, id))}`.split('\0').filter(Boolean)
		return Object.fromEntries(names.map((name) => [name, `${Buffer.from(now(getXattr(fs, id, Buffer.from(name))))}`]))
	}
	return { ...made, fs, one: on(1), two: on(2), inTree }
}

test('a walk takes them over: of files, small, large and with several names, and of directories', async (t) => {
	const { put, walk, node, one, inTree, file } = await place(t)
	put(1, 'd/f', 'text')
	put(1, 'large', 'x'.repeat(1_100_000))
	put(1, 'plain', 'text')
	put(1, 'linked', 'text')
	disk.linkSync(node(1, 'linked'), node(1, 'd/linked'))
	one.set('d', { 'user.of': 'a directory' })
	one.set('d/f', { 'user.a': '1', 'user.b': '' })
	one.set('large', { 'user.size': 'large' })
	one.set('linked', { 'user.names': 'two' })
	assert.deepEqual((await walk()).troubles, [])
	assert.deepEqual(inTree('d'), { 'user.of': 'a directory' })
	assert.deepEqual(inTree('d/f'), { 'user.a': '1', 'user.b': '' })
	assert.deepEqual(inTree('large'), { 'user.size': 'large' })
	assert.deepEqual([inTree('linked'), inTree('d/linked')], [{ 'user.names': 'two' }, { 'user.names': 'two' }])
	assert.deepEqual([inTree('plain'), file('linked')?.nlink], [{}, 2])
})

test('a file whose attributes cannot be read at the moment is left to the next walk', async (t) => {
	const { put, walk, node, one, inTree, file, client } = await place(t)
	put(1, 'd/f', 'text')
	put(1, 'linked', 'text')
	put(1, 'plain', 'text')
	disk.linkSync(node(1, 'linked'), node(1, 'd/linked'))
	one.set('d/f', { 'user.a': '1' })
	one.set('linked', { 'user.names': 'two' })
	let isIll = true
	change(client, 1, ({ xattrs }) => ({ xattrs: (path) => (isIll && !path.equals(Buffer.from('d')) ? fail('EIO') : xattrs(path)) }))
	const first = await walk()
	assert.deepEqual(first.troubles.map((line) => line.split(': ')[0]).sort(), ['d/f', 'd/linked', 'linked'])
	assert.deepEqual([file('d/f'), file('linked'), file('d/linked')], [undefined, undefined, undefined])
	assert.ok(file('plain'))
	isIll = false
	assert.deepEqual((await walk()).troubles, [])
	assert.deepEqual(inTree('d/f'), { 'user.a': '1' })
	assert.deepEqual([inTree('linked'), inTree('d/linked'), file('linked')?.nlink], [{ 'user.names': 'two' }, { 'user.names': 'two' }, 2])
})

test('what a disk does not say may be there', () => {
	const noDescriptor = -1
	assert.equal(mayHaveXattrs(noDescriptor), true)
	assert.throws(() => xattrsOf(noDescriptor), { code: 'EBADF' })
})

test('a copy is made with them, and what is changed later reaches every copy', async (t) => {
	const { put, walk, one, two, fs, file } = await place(t)
	put(1, 'f', 'text')
	put(1, 'g', 'other')
	one.set('f', { 'user.a': '1' })
	await walk()
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { copied: 2 })
	assert.deepEqual([two.get('f'), two.get('g')], [{ 'user.a': '1' }, {}])
	const { id } = file('f') as { id: number }
	now(setXattr(fs, id, Buffer.from('user.b'), Buffer.from('2'), NOTHING_SPECIAL))
	now(setXattr(fs, id, Buffer.from('security.x'), Buffer.from('3'), NOTHING_SPECIAL))
	assert.deepEqual([one.get('f'), two.get('f')], Array(2).fill({ 'user.a': '1', 'user.b': '2' }))
	now(removeXattr(fs, id, Buffer.from('user.a')))
	now(removeXattr(fs, id, Buffer.from('user.b')))
	assert.deepEqual([one.get('f'), two.get('f')], [{}, {}])
})

test('those of a file that was written here, before there was a second copy', async (t) => {
	const { fs, one, two, rows } = await place(t)
	const id = writeFile(fs, 'f', 'text')
	now(setXattr(fs, id, Buffer.from('user.a'), Buffer.from('1'), NOTHING_SPECIAL))
	await flushLater(fs)
	for (const number of [1, 2]) await makeCopies(fs, number)
	assert.deepEqual([one.get('f'), two.get('f')], [{ 'user.a': '1' }, { 'user.a': '1' }])
	await flushLater(fs)
	assert.deepEqual(rows('SELECT * FROM intent'), [])
})
