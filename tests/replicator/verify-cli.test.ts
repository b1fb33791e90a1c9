/** The verbs verify and trim, as people use them: a damaged copy is found and healed. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'

const FILL = fileURLToPath(new URL('./fill-tree.ts', import.meta.url))
const FILES = 12

test('cairn verify finds and heals a flipped byte', { timeout: 120_000 }, async (t) => {
	const up = await startUp({ nodes: 3, copies: 2, words: ['--no-replicator'] })
	t.after(() => up.remove())
	await withHands((hands) => hands.run(FILL, 'fillTree', [up.mountPoint, FILES], { deadlineMs: 30_000 }))
	const verb = async (...words: string[]) => {
		const { code, stdout, stderr } = await up.cairn(...words)
		assert.equal(code, 0, `${words.join(' ')}: ${stdout}${stderr}`)
		return stdout + stderr
	}
	const holders = (name: string) => up.nodes.filter((node) => disk.existsSync(join(node, name)))
	for (const node of ['node1', 'node2', 'node3']) await verb('replicate', '--node', node)
	for (let number = 0; number < FILES; number++) assert.equal(holders(`d0/f${number}`).length, 2)

	const [bad, other] = holders('d0/f3').map((node) => join(node, 'd0/f3'))
	const bytes = disk.readFileSync(bad)
	const { atime, mtime } = disk.statSync(bad)
	bytes[0] ^= 1
	disk.writeFileSync(bad, bytes)
	disk.utimesSync(bad, atime, mtime)
	const said = await verb('verify')
	assert.match(said, /d0\/f3: its bytes are not what they were on node\d; kept as \.cairn\/conflicts\/\S+-f3; a new copy is wanted/)
	assert.deepEqual(disk.readFileSync(bad), disk.readFileSync(other))
	const status = JSON.parse(await verb('verify', '--status', '--json'))
	assert.equal(status.days.reduce((sum: number, day: { bad: number }) => sum + day.bad, 0), 1)
	assert.equal(status.nodes.reduce((sum: number, node: { copies: number }) => sum + node.copies, 0), 2 * FILES)
	assert.match(await verb('verify', '--status'), /NODE +COPIES +NEVER PROVED +IN DOUBT +OLDEST PROOF/)

	const below = join(up.mountPoint, 'd0')
	assert.match(await verb('walk', '-p', below, '--node', 'node1'), /^walk node1: \d+ known/)
	assert.match(await verb('verify', '-p', `${below}/f3`), /verify node\d: 1 /)

	const refused = { 'verify --node nobody': 8, 'verify --status --node nobody': 8, 'verify -p no/such/file': 8, 'verify --max-bytes much': 2, 'verify --limit few': 2, 'verify --limit 1.5': 2, 'trim --node nobody': 8 }
	for (const [words, code] of Object.entries(refused)) assert.equal((await up.cairn(...words.split(' '))).code, code, words)
	assert.doesNotMatch(await verb('replicator', '--status'), /failed/, 'what is mistyped is no run')
})
