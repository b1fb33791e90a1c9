/** Two new nodes with the same tree, walked at once by one process: as when a daemon begins with them. On both engines. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { addNode } from '../../cli/node-add.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { startFilesystem } from '../../core/filesystem/start.ts'
import { closeNode } from '../../core/nodes/open-node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines, open } from '../catalogue/engines.ts'
import { walkOn } from './walked.ts'

const classes = [{ name: 'two', pattern: '', copies: 2 }]
const DIRECTORIES = 3
const FILES = 4
const NODES = [1, 2]
const TIME_S = 1_000_000_000

async function twins(t: TestContext, engine: Engine) {
	const catalogue = await open(t, await engine.address(t))
	await initialise(catalogue, { owner: { uid: 0, gid: 0 }, classes, now: { s: 1, ns: 0 } })
	const directory = disk.mkdtempSync('/tmp/cairn-twins-')
	t.after(() => disk.rmSync(directory, { recursive: true, force: true }))
	for (const node of NODES) {
		const path = join(directory, `node${node}`)
		fill(path)
		await addNode(catalogue, `node${node}`, { path, zone: '', reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	}
	const fs = await run(startFilesystem({ config: withDefaults({ classes }), catalogue, what: 'test', report: () => undefined }))
	t.after(() => {
		for (const node of fs.nodes.values()) closeNode(node)
	})
	return { catalogue, fs }
}

function fill(root: string): void {
	for (let number = 0; number < DIRECTORIES; number++) {
		const directory = join(root, 'above', `d${number}`)
		disk.mkdirSync(directory, { recursive: true })
		for (let file = 0; file < FILES; file++) {
			const path = join(directory, `f${file}`)
			disk.writeFileSync(path, `${number} ${file}`)
			disk.utimesSync(path, TIME_S, TIME_S)
		}
	}
}

for (const engine of engines) {
	test(`equal trees of two nodes walked at once become one tree with two copies of each file, on ${engine.name}`, async (t) => {
		const { catalogue, fs } = await twins(t, engine)
		for (const { troubles } of await Promise.all(NODES.map((node) => walkOn({ fs }, node)))) assert.deepEqual(troubles, [])
		const made = await catalogue.all<{ kind: number; many: number }>('SELECT f.kind, COUNT(*) AS many FROM entry e JOIN file f ON f.id = e.file_id GROUP BY f.kind ORDER BY f.kind')
		assert.deepEqual(made.map(({ kind, many }) => [kind, Number(many)]), [[4, DIRECTORIES + 1], [8, DIRECTORIES * FILES]])
		const copies = await catalogue.all<{ many: number }>('SELECT COUNT(*) AS many FROM replica WHERE state = 1 AND version = 1')
		assert.equal(Number(copies[0].many), NODES.length * DIRECTORIES * FILES)
		assert.deepEqual(await catalogue.all('SELECT path FROM conflict'), [])
	})
}
