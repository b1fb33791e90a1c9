/** Nodes that are down, dead, missing or swapped: the tree stays honest, and nothing deleted comes back. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { readCatalogue } from '../support/catalogue-rows.ts'
import { checkTree } from '../support/check-tree.ts'
import { type Hands, withHands } from '../support/hands.ts'
import { type MountOptions, type Mounted, startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'
import { answerOf, assertOnlyOn, makeOn, UNREACHABLE, withStates } from './placed.ts'

const CATALOGUES = ['sqlite', 'mariadb'] as const
const NOW = { seconds: 1_000_000, nanoseconds: 0 }

async function withMount(options: MountOptions, body: (up: Mounted) => Promise<Mounted>): Promise<void> {
	let up = await startUp(options)
	try {
		up = await body(up)
		await up.stop()
		assert.deepEqual(await checkTree(up.catalogue), [])
	} finally {
		await up.remove()
	}
}

/** Leaves an empty directory where the node was, as an unmounted disk does. */
function takeAway(up: Mounted, node: number): { giveBack(): void } {
	const root = up.nodes[node - 1] as string
	renameSync(root, `${root}.taken`)
	mkdirSync(root)
	return {
		giveBack() {
			assert.deepEqual(readdirSync(root), [], 'nothing may be written into the empty directory')
			execFileSync('rmdir', [root])
			renameSync(`${root}.taken`, root)
		},
	}
}

/** The daemon has noticed: reading a file that is only there fails. */
async function untilNoticed(hands: Hands, path: string): Promise<void> {
	await until(`${path} cannot be read`, async () => (UNREACHABLE.test(await answerOf(hands.do('read', path))) ? true : undefined))
}

async function untilReadable(hands: Hands, path: string): Promise<void> {
	await until(`${path} can be read`, async () => (UNREACHABLE.test(await answerOf(hands.do('read', path))) ? undefined : true))
}

async function untilCarriedOut(up: Mounted, hands: Hands): Promise<void> {
	await until('every intent is carried out', async () => {
		// What is done goes with the next transaction: give it one.
		await hands.do('setTimes', up.mountPoint, NOW, NOW)
		return (await readCatalogue(up.catalogue)).intents.length === 0 ? true : undefined
	})
}

for (const catalogue of CATALOGUES) {
	it(`a file whose only node is down is EIO, never ENOENT: ${catalogue}`, async () => {
		await withMount({ catalogue }, async (started) => {
			let up = await makeOn(started, 1, async (hands, root) => {
				await hands.do('mkdir', join(root, 'd'))
				await hands.do('write', join(root, 'd/f'), 'content')
			})
			assertOnlyOn(up, 1, 'd/f')
			up = await withStates(up, { node1: 'down' })
			await withHands(async (hands) => {
				const path = join(up.mountPoint, 'd/f')
				assert.deepEqual(await hands.do('readdir', join(up.mountPoint, 'd')), ['f'])
				assert.equal((await hands.do('stat', path)).size, 7)
				assert.match(await answerOf(hands.do('read', path)), UNREACHABLE)
				assert.match(await answerOf(hands.do('append', path, 'x')), UNREACHABLE)
				assert.equal(await answerOf(hands.do('write', path, 'x', { flags: 'wx' })), 'EEXIST')
				await hands.do('write', join(up.mountPoint, 'd/g'), 'elsewhere')
				assert.equal((await hands.do('read', join(up.mountPoint, 'd/g'))).toString(), 'elsewhere')
			})
			up = await withStates(up, { node1: 'rw' })
			await withHands(async (hands) => {
				assert.equal((await hands.do('read', join(up.mountPoint, 'd/f'))).toString(), 'content')
			})
			return up
		})
	})

	it(`nothing deleted while a node was away comes back with it: ${catalogue}`, async () => {
		await withMount({ catalogue }, async (started) => {
			const at = (name: string) => join(started.mountPoint, name)
			const up = await makeOn(started, 1, async (hands) => {
				await hands.do('mkdir', at('d'))
				for (const name of ['deleted', 'moved', 'replaced', 'd/inside', 'kept', 'linked']) await hands.do('write', at(name), `old ${name}`)
				await hands.do('link', at('linked'), at('link'))
			})
			await withHands(async (hands) => {
				const node = takeAway(up, 1)
				await untilNoticed(hands, at('kept'))
				await hands.do('unlink', at('deleted'))
				await hands.do('rename', at('moved'), at('arrived'))
				await hands.do('unlink', at('replaced'))
				await hands.do('write', at('replaced'), 'new content')
				await hands.do('unlink', at('d/inside'))
				await hands.do('rmdir', at('d'))
				await hands.do('mkdir', at('d'))
				await hands.do('write', at('d/inside'), 'another file')
				await hands.do('unlink', at('linked'))
				node.giveBack()
				await untilReadable(hands, at('kept'))
				await untilCarriedOut(up, hands)
				await assertHonest(hands, up.mountPoint)
			})
			await up.stop()
			assert.deepEqual(await checkTree(up.catalogue), [])
			const again = await up.again()
			await withHands((hands) => assertHonest(hands, again.mountPoint))
			assert.ok(!existsSync(join(again.nodes[0] as string, 'deleted')))
			assert.ok(!existsSync(join(again.nodes[0] as string, 'linked')))
			return again
		})
	})
}

async function assertHonest(hands: Hands, root: string): Promise<void> {
	assert.deepEqual(await hands.do('readdir', root), ['arrived', 'd', 'kept', 'link', 'replaced'])
	const contents = { arrived: 'old moved', 'd/inside': 'another file', kept: 'old kept', link: 'old linked', replaced: 'new content' }
	for (const [name, content] of Object.entries(contents)) {
		assert.equal((await hands.do('read', join(root, name))).toString(), content, name)
	}
}

it('an empty directory where a node should be is not the node', async () => {
	await withMount({}, async (started) => {
		const up = await makeOn(started, 1, (hands, root) => hands.do('write', join(root, 'f'), 'content'))
		const path = join(up.mountPoint, 'f')
		await withHands(async (hands) => {
			const before = await readCatalogue(up.catalogue)
			const node = takeAway(up, 1)
			await untilNoticed(hands, path)
			for (let number = 0; number < 20; number++) await hands.do('write', join(up.mountPoint, `new-${number}`), `${number}`)
			await hands.do('mkdir', join(up.mountPoint, 'd'))
			const status = JSON.parse((await up.cairn('status', '--json')).stdout)
			assert.equal(status.nodes[0].up, false)
			assert.match(status.nodes[0].reason, /./)
			const during = await readCatalogue(up.catalogue)
			for (const replica of before.replicas) assert.ok(during.replicas.some(({ file, node }) => file === replica.file && node === replica.node))
			node.giveBack()
			await untilReadable(hands, path)
			assert.equal((await hands.do('read', path)).toString(), 'content')
		})
		return up
	})
})

it('a daemon that starts while a node is an empty directory leaves it empty', async () => {
	await withMount({}, async (started) => {
		let up = await makeOn(started, 1, (hands, root) => hands.do('write', join(root, 'f'), 'content'))
		await up.stop()
		const node = takeAway(up, 1)
		up = await up.again()
		await withHands(async (hands) => {
			assert.match(await answerOf(hands.do('read', join(up.mountPoint, 'f'))), UNREACHABLE)
			assert.deepEqual(await hands.do('readdir', up.mountPoint), ['f'])
			await hands.do('write', join(up.mountPoint, 'g'), 'elsewhere')
			node.giveBack()
			await untilReadable(hands, join(up.mountPoint, 'f'))
		})
		return up
	})
})

it('two nodes that were swapped serve and take nothing until they are swapped back', async () => {
	await withMount({ nodes: 2 }, async (started) => {
		let up = await makeOn(started, 1, (hands, root) => hands.do('write', join(root, 'one'), 'on node 1'))
		up = await makeOn(up, 2, (hands, root) => hands.do('write', join(root, 'two'), 'on node 2'))
		const swap = () => {
			const [a, b] = up.nodes as [string, string]
			renameSync(a, `${a}.aside`)
			renameSync(b, a)
			renameSync(`${a}.aside`, b)
		}
		await withHands(async (hands) => {
			swap()
			await untilNoticed(hands, join(up.mountPoint, 'one'))
			await untilNoticed(hands, join(up.mountPoint, 'two'))
			assert.deepEqual(await hands.do('readdir', up.mountPoint), ['one', 'two'])
			assert.match(await answerOf(hands.do('write', join(up.mountPoint, 'three'), 'x', { flags: 'wx' })), UNREACHABLE)
			swap()
			await untilReadable(hands, join(up.mountPoint, 'one'))
			await untilReadable(hands, join(up.mountPoint, 'two'))
			assert.equal((await hands.do('read', join(up.mountPoint, 'one'))).toString(), 'on node 1')
			assert.equal((await hands.do('read', join(up.mountPoint, 'two'))).toString(), 'on node 2')
		})
		assert.equal(readFileSync(join(up.nodes[0] as string, 'one'), 'utf8'), 'on node 1')
		return up
	})
})
