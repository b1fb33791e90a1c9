/** A walk of a node whose disk refused what was written: memory still has it, the disk has not, and the copy stays in doubt. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { addNode } from '../../cli/node-add.ts'
import { openSqlite } from '../../core/catalogue/sqlite.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { release, sync } from '../../core/filesystem/publish.ts'
import { run } from '../../core/op.ts'
import { walk } from '../../replicator/walk/walk.ts'
import { runOn, sha256, states } from '../replicator/copies.ts'
import { createFile, installation, now } from '../unit/installation.ts'
import { mountFailingDisk } from './failing-disk.ts'

const BYTES = 100_000

for (const isHashKnown of [true, false])
	it(`a walk does not take what memory has for what the disk has, ${isHashKnown ? 'with a hash' : 'without a hash'}`, async (t) => {
		const place = await installation(t, 0)
		const disk = mountFailingDisk(place.node(1))
		try {
			const driver = openSqlite(join(place.directory, 'catalogue.db'), { timeoutMs: 5_000 })
			await addNode(driver, 'node1', { path: place.node(1), zone: '', reserve: 0, weight: 100, io: 'auto', state: 'rw' })
			await driver.close()
			const { fs, catalogue } = await place.start()
			const file = createFile(fs, 'f')
			file.node.operations.write(file.fd, Buffer.alloc(BYTES, 'a'), 0)
			await run(sync(fs, file, false))
			disk.fail()
			file.node.operations.write(file.fd, Buffer.alloc(BYTES, 'b'), 0)
			await assert.rejects(async () => run(sync(fs, file, false)), { code: 'EIO' })
			now(release(fs, file, true))
			await flushLater(fs)
			assert.deepEqual(states(place, file.id), { 1: REPLICA.suspect })
			if (isHashKnown) await catalogue.change('UPDATE file SET hash = ?, hash_version = version WHERE id = ?', [sha256(Buffer.alloc(BYTES, 'b')), file.id])
			const { outcomes } = await runOn(fs, 1, walk())
			assert.equal(outcomes.copy, undefined)
			assert.deepEqual(states(place, file.id), { 1: REPLICA.suspect })
		} finally {
			// Before the directory around it is removed.
			disk.end()
		}
	})
