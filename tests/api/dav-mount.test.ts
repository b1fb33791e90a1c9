/** The door mounted by davfs2. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { withHands } from '../support/hands.ts'
import { until } from '../support/until.ts'
import { command, scratch } from './command.ts'
import { openDoor } from './door.ts'

test('davfs2 mounts it', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: [{ at: '127.0.0.1:0', anybody: 'write' }] })
	const folder = scratch(t)
	// It serves as a user of its own.
	chmodSync(folder, 0o755)
	const point = join(folder, 'mnt')
	for (const name of ['mnt', 'cache']) mkdirSync(join(folder, name))
	const [conf, secrets] = [join(folder, 'davfs2.conf'), join(folder, 'secrets')]
	writeFileSync(secrets, '')
	chmodSync(secrets, 0o600)
	writeFileSync(conf, `ask_auth 0\ncache_dir ${join(folder, 'cache')}\nsecrets ${secrets}\ndelay_upload 0\nuse_locks 1\nbuf_size 64\n`)
	chmodSync(join(folder, 'cache'), 0o777)
	await command('mount.davfs', ['-o', `conf=${conf}`, `${door.url}/dav/`, point])
	try {
		await withHands(async (hands) => {
			await hands.do('mkdir', join(point, 'd'))
			await hands.do('write', join(point, 'd', 'f'), 'by davfs2')
			await until('it is there', () => (existsSync(door.node(1, 'd/f')) && readFileSync(door.node(1, 'd/f'), 'utf8') === 'by davfs2') || undefined)
			await hands.do('rename', join(point, 'd', 'f'), join(point, 'd', 'g'))
			await until('it has moved', async () => (await door.fetch('/files/d/g')).ok || undefined)
			await door.fetch('/files/d/other', { method: 'PUT', body: 'by the door' })
			assert.equal(Buffer.from(await hands.do('read', join(point, 'd', 'g'))).toString(), 'by davfs2')
			assert.deepEqual((await hands.do('readdir', join(point, 'd'))).filter((name) => name !== 'lost+found'), ['g'])
		})
	} finally {
		await command('umount', [point])
	}
})
