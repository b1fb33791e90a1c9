/** The power is cut: what was synced is on the disks, in the tree of a node and in the catalogue. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { it, type TestContext } from 'node:test'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { type CutDisk, mountCutDisk } from './power-cut.ts'

const MEGABYTES = 64
const CONTENT = 'what was written, '.repeat(20_000)

function contentAt(path: string): string | undefined {
	return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

/** Names, sizes and good copies, as whoever opens it after the cut finds them. */
function treeIn(catalogue: string): Array<{ name: string; size: number; good: number }> {
	const database = new DatabaseSync(catalogue)
	try {
		return database
			.prepare(
				`SELECT CAST(e.name AS TEXT) AS name, f.size, (SELECT COUNT(*) FROM replica r WHERE r.file_id = f.id AND r.state = 1 AND r.version = f.version AND f.version > 0) AS good
				FROM entry e JOIN file f ON f.id = e.file_id WHERE f.kind = 8 ORDER BY 1`,
			)
			.all()
			.map((row) => ({ ...row })) as ReturnType<typeof treeIn>
	} finally {
		database.close()
	}
}

/** The node and the catalogue on disks of their own. */
async function start(t: TestContext, options: { io?: 'passthrough' | 'carried'; nodes?: number; copies?: number }) {
	const place = mkdtempSync(join(tmpdir(), 'cairn-cut-'))
	const catalogueDisk = mountCutDisk(t, join(place, 'catalogue'), MEGABYTES)
	let nodeDisk: CutDisk | undefined
	const last = `node${options.nodes ?? 1}`
	const up = await startUp({
		nodes: 1,
		...options,
		words: ['--catalogue', `sqlite:${catalogueDisk.mountPoint}/catalogue.db`],
		prepare: (dir) => {
			nodeDisk = mountCutDisk(t, join(dir, last), MEGABYTES)
		},
	})
	t.after(async () => {
		await up.remove()
		rmSync(place, { recursive: true, force: true })
	})
	const cut = () => ({ node: (nodeDisk as CutDisk).cut(), catalogue: join(catalogueDisk.cut(), 'catalogue.db') })
	return { up, cut, nodeDisk: nodeDisk as unknown as CutDisk, catalogue: join(catalogueDisk.mountPoint, 'catalogue.db') }
}

for (const io of ['passthrough', 'carried'] as const) {
	it(`a file that was synced is there with its name and in the catalogue, one that was closed only is not: ${io}`, async (t) => {
		const { up, cut } = await start(t, { io })
		await withHands(async (hands) => {
			await hands.do('mkdir', join(up.mountPoint, 'd'))
			await hands.do('write', join(up.mountPoint, 'd/synced'), CONTENT, { sync: true })
			await hands.do('write', join(up.mountPoint, 'd/closed'), CONTENT)
		})
		const after = cut()
		assert.equal(contentAt(join(after.node, 'd/synced')), CONTENT)
		assert.deepEqual(treeIn(after.catalogue), [{ name: 'synced', size: CONTENT.length, good: 1 }])
		// Were this there too, the copies of the images would show nothing.
		assert.notEqual(contentAt(join(after.node, 'd/closed')), CONTENT)
	})
}

it('a file that is saved as editors do it is there with the old content or the new, though its node kept the renaming', async (t) => {
	const { up, cut, nodeDisk } = await start(t, {})
	await withHands(async (hands) => {
		await hands.do('write', join(up.mountPoint, 'f'), 'old', { sync: true })
		await hands.do('write', join(up.mountPoint, 'f~'), CONTENT, { sync: true })
		await hands.do('rename', join(up.mountPoint, 'f~'), join(up.mountPoint, 'f'))
	})
	execFileSync('sync', ['-f', nodeDisk.mountPoint])
	const after = cut()
	assert.equal(contentAt(join(after.node, 'f')), CONTENT)
	assert.deepEqual(treeIn(after.catalogue), [{ name: 'f', size: CONTENT.length, good: 1 }])
})

it('a copy that counts is there with its name; one nobody synced is not', async (t) => {
	const { up, cut, nodeDisk, catalogue } = await start(t, { nodes: 2, copies: 2 })
	const names = Array.from({ length: 30 }, (_, index) => `d${index % 12}/f${index}`)
	await withHands(async (hands) => {
		for (let directory = 0; directory < 12; directory++) await hands.do('mkdir', join(up.mountPoint, `d${directory}`))
		for (const name of names) await hands.do('write', join(up.mountPoint, name), `${name}: ${CONTENT}`, { sync: true })
	})
	for (const node of ['node1', 'node2']) assert.equal((await up.cairn('replicate', '--node', node)).code, 0)
	mkdirSync(join(nodeDisk.mountPoint, 'by-hand'))
	writeFileSync(join(nodeDisk.mountPoint, 'by-hand/f'), CONTENT)
	const after = cut()
	const counted = treeIn(catalogue)
	assert.deepEqual(counted.map(({ good }) => good), names.map(() => 2))
	for (const name of names) assert.equal(contentAt(join(after.node, name)), `${name}: ${CONTENT}`, name)
	assert.equal(contentAt(join(after.node, 'by-hand/f')), undefined)
})
