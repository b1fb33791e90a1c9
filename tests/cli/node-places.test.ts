/** Where a directory can be made a node, and where not. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { init } from '../../cli/init.ts'
import { node } from '../../cli/node.ts'
import { openSqlite } from '../../core/catalogue/sqlite.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import { run } from '../../core/op.ts'
import { typed } from './typed.ts'
import { makeWorkplace } from './workplace.ts'

async function withNode(t: TestContext) {
	const place = makeWorkplace(t)
	const cairn = typed(place.config, init, node)
	const root = place.makeDirectory('a')
	await cairn('init')
	assert.equal((await cairn('node', 'add', 'a', root)).code, 0)
	return { place, cairn, root }
}

test('nothing in the directory of a node becomes another, of whichever catalogue it is', async (t) => {
	const { place, cairn, root } = await withNode(t)
	const other = makeWorkplace(t)
	const elsewhere = typed(other.config, init, node)
	await elsewhere('init')
	const inside = join(root, 'some/where')
	mkdirSync(inside, { recursive: true })
	const refused = await elsewhere('node', 'add', 'b', inside)
	assert.deepEqual([refused.code, refused.stderr], [8, `cairn: ${root} is a node (${root}/.cairn/node.json): nothing in it can be another\n`])
	// It has moved, and the catalogue does not know where to.
	const moved = join(place.directory, 'moved')
	renameSync(root, moved)
	assert.match((await cairn('node', 'replace', 'a', join(moved, 'some/where'))).stderr, /moved is a node /)
})

test('adding that was cut off before the identity was written is told how to go on', async (t) => {
	const { cairn, root } = await withNode(t)
	rmSync(join(root, '.cairn'), { recursive: true })
	const again = await cairn('node', 'add', 'a', root)
	assert.match(again.stderr, /there is a node a already, at .*, without an identity file: .*'cairn node remove a' and add it again/)
	assert.equal((await cairn('node', 'remove', 'a')).code, 0)
	assert.equal((await cairn('node', 'add', 'a', root)).code, 0)
})

test('a node is told from one that was removed, or whose catalogue was lost', async (t) => {
	const { cairn, root } = await withNode(t)
	const says = `cairn: ${root} is the node 'a' (${root}/.cairn/node.json says so)`
	const add = () => cairn('node', 'add', 'b', root)
	await add().then(({ code, stderr }) => assert.deepEqual([code, stderr], [7, `${says.replace('is', 'is already')}\n`]))
	assert.equal((await cairn('node', 'remove', 'a')).code, 0)
	const { code, stderr } = await add()
	assert.deepEqual([code, stderr], [7, `${says}, which this catalogue does not know: if it was removed, empty it first, .cairn too; if the catalogue was lost, cairn reindex --node a=${root}\n`])
	rmSync(join(root, '.cairn'), { recursive: true })
	mkdirSync(join(root, 'lost+found'))
	assert.deepEqual(await add(), { code: 0, stdout: `node b: ${root}\n`, stderr: '' })
})

test('of files that a node brings it is said how they come into the tree', async (t) => {
	const place = makeWorkplace(t)
	const cairn = typed(place.config, init, node)
	await cairn('init')
	const root = place.makeDirectory('a')
	mkdirSync(join(root, 'photos'))
	assert.match((await cairn('node', 'add', 'a', root)).stdout, /^node a: .*\n.* with 'cairn walk --node a'\n$/)
})

test('a copy takes the place of a directory only while nobody changes that', async (t) => {
	const { place, cairn, root } = await withNode(t)
	const copy = join(place.directory, 'copy')
	cpSync(root, copy, { recursive: true })
	const catalogue = openSqlite(place.catalogue, { timeoutMs: 5_000 })
	t.after(() => catalogue.close())
	const fs = await run(startFilesystem({ config: withDefaults({ catalogue: place.catalogue }), catalogue, what: 'mount /m', report: () => undefined }))
	const set = () => cairn('node', 'set', 'a', '--path', copy)
	const refused = await set()
	assert.equal(refused.code, 15)
	assert.match(refused.stderr, /copy is a copy of node a, whose own directory .*\/a is in use by mount \/m, process \d+ on .*: end that, and copy anew/)
	// Moved, it is the same files, whoever has them open.
	rmSync(copy, { recursive: true })
	renameSync(root, copy)
	assert.equal((await set()).code, 0)
	renameSync(copy, root)
	cpSync(root, copy, { recursive: true })
	await stopFilesystem(fs)
	assert.equal((await set()).code, 0)
})
