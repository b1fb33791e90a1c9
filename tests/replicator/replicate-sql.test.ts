/** What replicate asks the catalogue, on both engines: the right rows, and none that are not wanted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import * as entries from '../../core/catalogue/entries.ts'
import * as files from '../../core/catalogue/files.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import * as wanted from '../../core/catalogue/wanted.ts'
import * as writers from '../../core/catalogue/writers.ts'
import { run } from '../../core/op.ts'
import { isUnsettled, look } from '../../replicator/replicate/look.ts'
import { engines, open } from '../catalogue/engines.ts'

const OWN = 2
const FIRST = 100
const FILES = 40

function fileRow(id: number, kind: number, size: number): files.FileRow {
	const times = { atime: 1, atime_ns: 0, mtime: 1, mtime_ns: 0, ctime: 1, ctime_ns: 0 }
	return {
		id,
		kind,
		mode: 0o644,
		uid: 0,
		gid: 0,
		rdev: 0,
		nlink: 1,
		size,
		blocks: 0,
		...times,
		version: 3,
		class_id: 1,
		flags: 0,
	}
}

/** In `d/e`, files of 10 bytes: every fourth is wanted on the node, every eighth has two good copies. */
async function fill(driver: Driver): Promise<void> {
	await driver.transaction(function* (tx) {
		for (const [id, parent, name] of [
			[50, 1, 'd'],
			[51, 50, 'e'],
		] as const) {
			files.insert(tx, fileRow(id, files.KIND.directory, 0))
			entries.insert(tx, parent, Buffer.from(name), id)
		}
		for (let id = FIRST; id < FIRST + FILES; id++) {
			files.insert(tx, fileRow(id, files.KIND.regular, 10))
			entries.insert(tx, 51, Buffer.from(`f${id}`), id)
			replicas.insert(tx, id, 1, 3, replicas.REPLICA.good)
			if (id % 8 === 0) replicas.insert(tx, id, 3, 3, replicas.REPLICA.good)
			replicas.insert(tx, id, OWN, id % 4 === 0 ? 0 : 3, id % 4 === 0 ? replicas.REPLICA.wanted : replicas.REPLICA.good)
		}
		writers.insert(tx, 104, 9, 1, driver.capabilities)
	})
}

for (const engine of engines) {
	test(`what is wanted, page by page, on ${engine.name}`, async (t) => {
		const driver = await open(t, await engine.address(t))
		await initialise(driver, {
			owner: { uid: 0, gid: 0 },
			classes: [{ name: 'default', pattern: '', copies: 2 }],
			now: { s: 1, ns: 0 },
		})
		assert.equal(await wanted.lastWanted(driver, OWN), undefined)
		await fill(driver)
		const last = await wanted.lastWanted(driver, OWN)
		assert.equal(last, 136)
		const page = await wanted.page(driver, { node: OWN, after: 104, last: 128, limit: 3 })
		assert.deepEqual(
			page.map(({ file_id, size, good }) => [file_id, size, good]),
			[
				[108, 10, 1],
				[112, 10, 2],
				[116, 10, 1],
			],
		)
		const amount = await wanted.amount(driver, { node: OWN, after: 0, last: 136, limit: 4 })
		assert.deepEqual([amount?.files, amount?.bytes, amount?.last], [4, 40, 112])
		const none = await wanted.amount(driver, { node: OWN, after: 136, last: 136, limit: 4 })
		assert.deepEqual([none?.files, none?.last], [0, null])
	})

	test(`files looked at, and made good, on ${engine.name}`, async (t) => {
		const driver = await open(t, await engine.address(t))
		await initialise(driver, {
			owner: { uid: 0, gid: 0 },
			classes: [{ name: 'default', pattern: '', copies: 2 }],
			now: { s: 1, ns: 0 },
		})
		await fill(driver)
		const ids = [100, 101, 104, 9999]
		await driver.transaction(function* (tx) {
			const looked = yield* look(tx, OWN, ids, driver.capabilities.forUpdate)
			assert.deepEqual([[...looked.wants.keys()], [...looked.there], looked.isStanding], [[100, 104], [101], false])
			const [want, written] = [100, 104].map((id) => looked.wants.get(id))
			assert.equal(want?.places[0].path.toString(), 'd/e/f100')
			assert.deepEqual([want && isUnsettled(want), written && isUnsettled(written)], [false, true])
			wanted.setMade(tx, OWN, [100], driver.capabilities)
		})
		const again = await run(look(driver, OWN, [100]))
		assert.deepEqual([again.wants.size, again.there.has(100)], [0, true])
	})
}
