/** Nodes without room: the next node, then ENOSPC; never a longer or a changed file. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkTree } from '../support/check-tree.ts'
import { type Hands, withHands } from '../support/hands.ts'
import { type MountOptions, type Mounted, startUp } from '../support/mount.ts'
import { onDisks } from './disks.ts'
import { GROWN_MEGABYTES, ways } from './outgrow.ts'
import { assertOnlyOn, makeOn } from './placed.ts'

const FILL = fileURLToPath(new URL('./fill.ts', import.meta.url))
const OUTGROW = fileURLToPath(new URL('./outgrow.ts', import.meta.url))
const FILL_DEADLINE_MS = 60_000
const MEGABYTE = 1024 * 1024

async function withMount(options: MountOptions, body: (up: Mounted, hands: Hands) => Promise<void>): Promise<void> {
	const up = await startUp(options)
	try {
		await withHands((hands) => body(up, hands))
		await up.stop()
		assert.deepEqual(await checkTree(up.catalogue), [])
	} finally {
		await up.remove()
	}
}

/** With the next start every call on the nodes takes place elsewhere and is waited for. */
function asRemote({ config }: Mounted): void {
	const text = readFileSync(config, 'utf8')
	const nodes = 'nodes: { node1: { remote: true }, node2: { remote: true } },'
	writeFileSync(config, text.replace(/^\tclasses:/m, `\t${nodes}\n\tclasses:`))
	assert.match(readFileSync(config, 'utf8'), /remote: true/)
}

/** Files of a megabyte on a small node, and a large one beside it. */
async function withSmallNode(
	{ remote = false, ...options }: MountOptions & { remote?: boolean },
	names: string[],
	body: (up: Mounted, hands: Hands) => Promise<Mounted>,
): Promise<void> {
	let up = await startUp({ ...options, ...onDisks(24, 96) })
	try {
		if (remote) asRemote(up)
		up = await makeOn(up, 1, async (hands, root) => {
			for (const name of names) await outgrow(hands, 'begin', join(root, name))
		})
		await withHands(async (hands) => {
			up = await body(up, hands)
		})
		await up.stop()
		assert.deepEqual(await checkTree(up.catalogue), [])
	} finally {
		await up.remove()
	}
}

const fill = <T>(hands: Hands, name: string, ...args: unknown[]) => hands.run<T>(FILL, name, args, { deadlineMs: FILL_DEADLINE_MS })
const outgrow = <T>(hands: Hands, name: string, ...args: unknown[]) => hands.run<T>(OUTGROW, name, args, { deadlineMs: FILL_DEADLINE_MS })

for (const io of ['passthrough', 'carried'] as const) {
	it(`a file that outgrows its node fails with ENOSPC and keeps what was acknowledged: ${io}`, async () => {
		await withMount({ io, ...onDisks(24) }, async ({ mountPoint }, hands) => {
			for (const flags of ['w', 'a']) {
				const path = join(mountPoint, `file-${flags}`)
				const acknowledged = await fill<number>(hands, 'fillOneFile', path, flags)
				assert.ok(acknowledged > 10 * MEGABYTE)
				await hands.do('unlink', path)
			}
			await fill(hands, 'fillHole', join(mountPoint, 'sparse'), 64 * MEGABYTE)
			await hands.do('unlink', join(mountPoint, 'sparse'))
		})
	})

	it(`new files go to the node that has room; ENOSPC comes when none has: ${io}`, async () => {
		await withMount({ io, ...onDisks(24, 96) }, async ({ mountPoint }, hands) => {
			const whole = await fill<{ name: string; hash: string }[]>(hands, 'fillWithFiles', mountPoint)
			assert.ok(whole.length > 85, `${whole.length} files of 1 MB fitted on 120 MB`)
			await fill(hands, 'verifyFiles', mountPoint, whole)
			const [first, ...others] = whole as [{ name: string; hash: string }]
			await hands.do('unlink', join(mountPoint, first.name))
			await hands.do('write', join(mountPoint, 'small'), Buffer.alloc(MEGABYTE / 2, 'x'))
			await fill(hands, 'verifyFiles', mountPoint, others)
		})
	})

	it(`every name of the file goes with it, and a file without a name: ${io}`, async () => {
		await withSmallNode({ io }, ['file', 'unlinked'], async (up, hands) => {
			await hands.do('mkdir', join(up.mountPoint, 'directory'))
			await hands.do('link', join(up.mountPoint, 'file'), join(up.mountPoint, 'directory/other'))
			await outgrow(hands, 'outgrow', join(up.mountPoint, 'file'), 'append')
			for (const name of ['file', 'directory/other']) {
				assertOnlyOn(up, 2, name)
				await outgrow(hands, 'verifyBeginning', join(up.mountPoint, name), GROWN_MEGABYTES)
				await hands.do('unlink', join(up.mountPoint, name))
			}
			await outgrow(hands, 'outgrowUnlinked', join(up.mountPoint, 'unlinked'))
			for (const node of up.nodes) assert.deepEqual(readdirSync(join(node, '.cairn/incoming')), [])
			return up
		})
	})

	it(`a file that outgrows all nodes fails with ENOSPC, what was there is whole, and can be removed: ${io}`, async () => {
		await withMount({ io, ...onDisks(24, 96) }, async ({ mountPoint }, hands) => {
			const whole = await fill<{ name: string; hash: string }[]>(hands, 'fillWithFiles', mountPoint)
			const last = join(mountPoint, 'last')
			for (let rounds = 0; rounds < 2; rounds++) {
				await fill(hands, 'fillOneFile', last, 'a')
				await fill(hands, 'verifyFiles', mountPoint, whole)
				await hands.do('unlink', last)
			}
			for (const { name } of whole) await hands.do('unlink', join(mountPoint, name))
			assert.ok((await fill<number>(hands, 'fillOneFile', last, 'w')) > 80 * MEGABYTE)
			await hands.do('unlink', last)
		})
	})
}

for (const [what, options] of Object.entries({ passthrough: { io: 'passthrough' }, carried: { io: 'carried' }, 'remote nodes': { remote: true } } as const)) {
	it(`a file that outgrows its node goes to one with room: ${what}`, async () => {
		await withSmallNode(options, Object.keys(ways), async (up, hands) => {
			for (const way of Object.keys(ways)) {
				assertOnlyOn(up, 1, way)
				await outgrow(hands, 'outgrow', join(up.mountPoint, way), way)
				assertOnlyOn(up, 2, way)
				await hands.do('unlink', join(up.mountPoint, way))
			}
			return up
		})
	})
}

const MOMENTS = { 'its copy is begun': '.cairn/incoming', 'it has arrived': '' }

for (const [catalogue, moment] of (['sqlite', 'mariadb'] as const).flatMap((each) => Object.entries(MOMENTS).map((one) => [each, one] as const))) {
	it(`the daemon is killed while a file goes to another node, when ${moment[0]}: ${catalogue}`, async () => {
		await withSmallNode({ catalogue }, ['file'], async (up, hands) => {
			let acknowledged = 1
			const onReport = (megabytes: unknown) => {
				acknowledged = megabytes as number
			}
			let killed: Promise<void> | undefined
			const watcher = watch(join(up.nodes[1], moment[1]), () => {
				killed ??= up.kill()
			})
			const code = await hands.run<string>(OUTGROW, 'appendUntilKilled', [join(up.mountPoint, 'file')], { deadlineMs: FILL_DEADLINE_MS, onReport })
			watcher.close()
			assert.ok(killed, `the file did not move; the writer ended with ${code}`)
			await killed
			const next = await up.again()
			await withHands((others) => outgrow(others, 'verifyBeginning', join(next.mountPoint, 'file'), acknowledged))
			assert.equal(up.nodes.filter((node) => existsSync(join(node, 'file'))).length, 1)
			for (const node of up.nodes) assert.deepEqual(readdirSync(join(node, '.cairn/incoming')), [])
			return next
		})
	})
}
