/** A catalogue made from manifests says what the lost one said. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { KIND } from '../../core/catalogue/files.ts'
import * as files from '../../core/catalogue/files.ts'
import * as volumes from '../../core/catalogue/object-volumes.ts'
import * as objects from '../../core/catalogue/objects.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory, makeSpecial, makeSymlink } from '../../core/filesystem/create.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { type StoreOptions, storeWhole } from '../../core/filesystem/store.ts'
import { setXattr } from '../../core/filesystem/xattrs.ts'
import { run } from '../../core/op.ts'
import { manifest } from '../../replicator/manifest/manifest.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { at, installation, now, OWNER, writeFile } from '../unit/installation.ts'
import { assertSame, CLASSES, lose, once, onEach, reindex, rowsOf } from './reindex-ground.ts'

const ODD_NAMES = ['a', 'A', 'a ', 'ä', '\n', '*?"', '-rf', 'x'.repeat(255), '\\', '🐎'].map((name) => Buffer.from(name))
ODD_NAMES.push(Buffer.from([0xff, 0xfe, 0x80]))

test('everything there is comes back, after whatever happened between two manifests', async (t) => {
	const seed = seedOfRun()
	t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	const place = await installation(t, 3, CLASSES)
	const client = await place.start()
	const { fs } = client
	const directories = [1, now(makeDirectory(fs, at('precious'), OWNER)).id]
	const attempt = (act: () => unknown) => {
		try {
			act()
		} catch (error) {
			if (!/^E[A-Z]+$/.test(String((error as { code?: string }).code))) throw error
		}
	}
	const somewhere = () => ({
		parent: random.pick(directories),
		name: random.chance(0.3) ? random.pick(ODD_NAMES) : Buffer.from(`n${random.below(40)}`),
	})
	const someFile = () => Number(random.pick(place.rows('SELECT id FROM file'))?.id)
	const steps: Array<() => unknown> = [
		() => writeFile(fs, `w${random.below(60)}`, random.bytes(random.below(3_000)).toString('latin1'), random.pick(directories)),
		() => directories.push(now(makeDirectory(fs, somewhere(), { ...OWNER, mode: 0o2750 })).id),
		() => now(makeSymlink(fs, somewhere(), Buffer.from([0x2e, 0x2e, 0x2f, 0xff, 0x0a]), { uid: 3, gid: 4 })),
		() =>
			now(
				makeSpecial(
					fs,
					somewhere(),
					{ mode: 0o640, uid: 1, gid: 2 },
					random.pick([KIND.fifo, KIND.socket, KIND.character]),
					random.below(9_999),
				),
			),
		() => now(link(fs, someFile(), somewhere())),
		() => now(rename(fs, somewhere(), somewhere(), random.pick(['replace', 'noreplace', 'exchange'] as const))),
		() => now(unlink(fs, somewhere())),
		() => now(removeDirectory(fs, somewhere())),
		() =>
			now(
				setXattr(fs, someFile(), Buffer.from(`user.x${random.below(3)}`), random.bytes(random.below(50)), {
					create: false,
					replace: false,
				}),
			),
		() =>
			now(
				setAttributes(fs, someFile(), {
					mode: random.pick([0o4755, 0o600, 0o1777]),
					uid: random.below(70_000),
					mtime: { s: random.below(2 ** 33), ns: random.below(1e9) },
				}),
			),
	]
	for (let i = 0; i < 600; i++) {
		attempt(random.pick(steps))
		if (i % 150 === 149) await once(client, manifest(), 1 + random.below(3))
		if (i === 300) await onEach(client, replicate)
	}
	await onEach(client, () => manifest())
	const before = rowsOf(place)
	assert.ok(before.file.length > 100)
	await lose(place, client)
	// Any node alone knows it all.
	for (const number of random.chance(0.5) ? [2] : [1, 3]) rmSync(place.node(number, '.cairn/manifest'), { recursive: true })
	const { looked } = await reindex(t, place, [1, 2, 3])
	assertSame(rowsOf(place), before)
	assert.deepEqual(
		looked.map(({ troubles }) => troubles),
		[0, 0, 0, 0],
	)
})

test('ids go on above all that were given out, and what was deleted before the newest manifest stays deleted', async (t) => {
	const place = await installation(t, 2, CLASSES)
	const client = await place.start()
	const kept = writeFile(client.fs, 'kept', 'k')
	const gone = now(makeSpecial(client.fs, at('gone'), OWNER, KIND.fifo, 0)).id
	await once(client, manifest(), 1)
	now(unlink(client.fs, at('gone')))
	await once(client, manifest(), 2)
	await lose(place, client)
	const made = await reindex(t, place, [1, 2])
	const names = rowsOf(place).entry.join()
	assert.ok(names.includes('kept') && !names.includes('gone'))
	assert.ok(writeFile(made.client.fs, 'new', 'n') > Math.max(kept, gone))
})

test('ids of objects come back with their files, uploaded anew, moved and removed between two manifests', async (t) => {
	const place = await installation(t, 2, CLASSES)
	const client = await place.start()
	const { fs } = client
	await transact(fs, function* (tx) {
		volumes.add(tx, { collection: 'pictures', ttl: '', zone: '', replication: '' }, fs.capabilities)
	})
	const upload = async (id: number, name: string, text: string) => {
		const also: StoreOptions['also'] = (tx, { id: file_id, version }) =>
			objects.set(tx, { id, volume_id: 1, cookie: 2 ** 32 - id, file_id, version, crc: text.length, name: `${name} 🐎`, mime: 'image/png', headers: '{"a":"b"}' }, id === 3 ? 5_000 : 0, fs.capabilities)
		await run(storeWhole(fs, { place: at(name), path: Buffer.from(name), attributes: OWNER }, Buffer.from(text), { flags: files.FLAG_IS_OBJECT, also }))
	}
	for (const id of [1, 2, 3, 4]) await upload(id, `o${id}`, 'first')
	await onEach(client, () => manifest())
	await upload(2, 'o2', 'second upload')
	now(rename(fs, at('o3'), at('moved'), 'replace'))
	now(unlink(fs, at('o4')))
	await upload(5, 'o5', 'late')
	await onEach(client, () => manifest())
	const before = rowsOf(place)
	assert.equal(before.object.length, 4)
	await lose(place, client)
	await reindex(t, place, [1, 2])
	assertSame(rowsOf(place), before)
})
