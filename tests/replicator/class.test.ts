/** class plan and class apply, as typed: what a changed rule would do, and that it does just that. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { classVerb } from '../../cli/class.ts'
import { EXIT } from '../../cli/exit-codes.ts'
import { init } from '../../cli/init.ts'
import { node } from '../../cli/node.ts'
import { replicate } from '../../cli/replicate.ts'
import { trim } from '../../cli/trim.ts'
import { walk } from '../../cli/walk.ts'
import { checkTree } from '../support/check-tree.ts'
import { readCatalogue } from '../support/catalogue-rows.ts'
import type { Said } from '../support/mount.ts'
import { typed } from '../cli/typed.ts'
import { makeWorkplace } from '../cli/workplace.ts'

const VERBS = [init, node, walk, replicate, trim, classVerb]

function succeeded({ code, stdout, stderr }: Said): string {
	assert.equal(code, 0, stderr)
	return stdout
}

interface Place {
	catalogue: string
	makeDirectory(name: string): string
	cairn(...words: string[]): Promise<Said>
	/** The configuration has these classes from now on. */
	configure(classes: string): void
}

/** Two nodes; two photos and a letter, one copy each. */
async function twoNodes(t: TestContext): Promise<Place> {
	const made = makeWorkplace(t)
	// A configuration is read once by a process: another file for each.
	let files = 0
	let cairn = typed(made.config, ...VERBS)
	const configure = (classes: string) => {
		const config = join(made.directory, `config${files++}.ts`)
		writeFileSync(config, `export default { catalogue: '${made.catalogue}', classes: ${classes} }`, { mode: 0o600 })
		cairn = typed(config, ...VERBS)
	}
	configure("[{ name: 'default', pattern: '', copies: 1 }]")
	succeeded(await cairn('init'))
	const [a, b] = ['a', 'b'].map((name) => made.makeDirectory(name))
	succeeded(await cairn('node', 'add', 'n1', a))
	for (const directory of ['photos', 'letters']) mkdirSync(join(a, directory))
	for (const path of ['photos/1', 'photos/2', 'letters/1']) writeFileSync(join(a, path), `this is ${path}`)
	succeeded(await cairn('walk', '--node', 'n1'))
	succeeded(await cairn('node', 'add', 'n2', b))
	return { catalogue: made.catalogue, makeDirectory: made.makeDirectory, cairn: (...words) => cairn(...words), configure }
}

const copies = async ({ catalogue }: Place) => (await readCatalogue(catalogue)).replicas.length

test('a rule for some files: shown, then done', async (t) => {
	const place = await twoNodes(t)
	assert.equal(succeeded(await place.cairn('class', 'plan')), 'nothing would change\n')
	place.configure("[{ name: 'photos', pattern: '^photos/', copies: 2 }, { name: 'default', pattern: '', copies: 1 }]")
	const plan = JSON.parse(succeeded(await place.cairn('class', 'plan', '--json')))
	assert.deepEqual(plan.moves, [{ from: 'default', to: 'photos', files: 2, bytes: 32 }])
	assert.deepEqual(plan.nodes, [{ node: 2, name: 'n2', added: { files: 2, bytes: 32 }, removed: { files: 0, bytes: 0 } }])
	const shown = succeeded(await place.cairn('class', 'plan'))
	assert.match(shown, /^class photos: new, pattern '\^photos\/', copies 2, zones 1$/m)
	assert.match(shown, /^class default: changed, position 0 -> 1$/m)
	assert.match(shown, /^default +photos +2 +32$/m)
	assert.equal(await copies(place), 3)
	assert.match(succeeded(await place.cairn('class', 'apply')), /^2 classes changed\nclass apply: .*2 asked for/)
	assert.equal(await copies(place), 5)
	assert.equal(succeeded(await place.cairn('class', 'plan')), 'nothing would change\n')
	succeeded(await place.cairn('replicate', '--node', 'n2'))
	assert.deepEqual(await checkTree(place.catalogue), [])
})

test('fewer copies: they go by the safe path; a retired class keeps no file', async (t) => {
	const place = await twoNodes(t)
	place.configure("[{ name: 'photos', pattern: '^photos/', copies: 2 }, { name: 'default', pattern: '', copies: 1 }]")
	succeeded(await place.cairn('class', 'apply'))
	succeeded(await place.cairn('replicate', '--node', 'n2'))
	place.configure("[{ name: 'default', pattern: '', copies: 1 }]")
	const shown = succeeded(await place.cairn('class', 'plan'))
	assert.match(shown, /^class photos: retired$/m)
	assert.match(shown, /^photos +default +2 +32$/m)
	const { nodes } = JSON.parse(succeeded(await place.cairn('class', 'plan', '--json')))
	assert.equal(
		nodes.reduce((sum: number, each: { removed: { files: number } }) => sum + each.removed.files, 0),
		2,
	)
	assert.match(succeeded(await place.cairn('class', 'apply')), /2 released/)
	for (const name of ['n1', 'n2']) succeeded(await place.cairn('trim', '--node', name))
	assert.equal(await copies(place), 3)
	assert.deepEqual(await checkTree(place.catalogue), [])
})

test('more copies and then fewer, before any was made: as many are made as are asked for in the end', async (t) => {
	const place = await twoNodes(t)
	succeeded(await place.cairn('node', 'add', 'n3', place.makeDirectory('c')))
	for (const copies of [3, 2]) {
		place.configure(`[{ name: 'default', pattern: '', copies: ${copies} }]`)
		succeeded(await place.cairn('class', 'apply'))
	}
	for (const name of ['n2', 'n3']) succeeded(await place.cairn('replicate', '--node', name))
	assert.equal(await copies(place), 6)
	assert.deepEqual(await checkTree(place.catalogue), [])
})

test('what there are too few nodes for is said', async (t) => {
	const place = await twoNodes(t)
	place.configure("[{ name: 'default', pattern: '', copies: 3 }]")
	assert.match(succeeded(await place.cairn('class', 'plan')), /^not enough nodes for 3 files/m)
})

test('more copies than a node may have to do at once: some are asked for, and that the rest follows is said', async (t) => {
	const place = await twoNodes(t)
	const database = new DatabaseSync(place.catalogue)
	database.exec(`
		CREATE TEMP TABLE more AS WITH RECURSIVE n (id) AS (SELECT 1000 UNION ALL SELECT id + 1 FROM n WHERE id < 26000) SELECT id FROM n;
		INSERT INTO file (id, kind, mode, uid, gid, nlink, size, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version, class_id)
			SELECT m.id, 8, 420, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, f.class_id
			FROM more m, (SELECT class_id FROM file WHERE kind = 8 LIMIT 1) f;
		INSERT INTO entry (parent_id, name, file_id) SELECT 1, CAST('f' || id AS BLOB), id FROM more;
		INSERT INTO replica (file_id, node_id, version, state) SELECT id, 1, 1, 1 FROM more`)
	place.configure("[{ name: 'default', pattern: '', copies: 2 }]")
	const wanted = () => (database.prepare('SELECT COUNT(*) AS many FROM replica WHERE state = 2').get() as { many: number }).many
	const said = await place.cairn('class', 'apply')
	assert.equal(said.code, EXIT.left)
	assert.match(said.stderr, /class apply: nodes have enough copies to make first; replicators go on with it/)
	const first = wanted()
	assert.ok(first >= 20_000 && first <= 20_500, `${first} wanted`)
	assert.equal((await place.cairn('class', 'apply')).code, EXIT.left)
	assert.equal(wanted(), first)
	database.exec('UPDATE replica SET state = 1, version = 1 WHERE state = 2')
	succeeded(await place.cairn('class', 'apply'))
	assert.equal(first + wanted(), 25_004)
	database.close()
})
