/** Figures are what lies on the nodes, counted there by other means: written through a mount, copied by its replicator. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { type Said, startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'
import { countTrees } from './count-trees.ts'

const shell = async (script: string) => (await promisify(execFile)('timeout', ['-s', 'KILL', '30', 'bash', '-c', script])).stdout

function json<T>({ code, stdout, stderr }: Said): T {
	assert.equal(code, 0, stderr)
	return JSON.parse(stdout) as T
}

interface Figures {
	behind: number
	owed: unknown[]
	tree: { files: number; bytes: number; directories: number }
	copies: Array<{ class: string; rows: Array<{ copies: number; files: number; bytes: number }> }>
	nodes: Array<{ name: string; good: { files: number; bytes: number } }>
}

const MADE = `mkdir -p a/b/c d; for i in $(seq 40); do head -c $((RANDOM % 20000)) /dev/zero >a/b/$i; head -c 100 /dev/zero >d/$i; done
	ln -s ../d/1 a/link; mv a/b e; rm d/1? ; mv d/2 e/c/moved; echo changed >>e/3; mkdir f; mv e/c f; printf x >"$(printf 'f/odd\\nname')"`

for (const catalogue of ['sqlite', 'mariadb'] as const) {
	test(`${catalogue}: figures and what lies on the nodes`, async (t) => {
		const up = await startUp({ catalogue, copies: 2, replicator: true })
		t.after(() => up.remove())
		await shell(`cd ${up.mountPoint} && ${MADE}`)
		const found = await until(
			'everything copied and counted',
			async () => {
				const figures = json<Figures>(await up.cairn('stats', '--json'))
				return figures.behind === 0 && figures.owed.length === 0 ? figures : undefined
			},
			60_000,
		)
		const there = countTrees(up.nodes)
		assert.deepEqual({ files: found.tree.files, bytes: found.tree.bytes }, there.directories[''])
		const [{ rows }] = found.copies
		assert.deepEqual(Object.fromEntries(rows.map(({ copies, files, bytes }) => [copies, { files, bytes }])), there.copies)
		assert.deepEqual(found.nodes.map(({ good }) => good), there.nodes)
		const sizes = json<Array<{ path: string; files: number; bytes: number }>>(await up.cairn('du', '--depth', '9', '--json'))
		const own = Object.fromEntries(sizes.filter(({ files }) => files > 0).map(({ path, files, bytes }) => [path, { files, bytes }]))
		assert.deepEqual(own, there.directories)
	})
}
