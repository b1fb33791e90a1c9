/** What was set aside in the folder: found again whatever of it its owner removed, however much of it there is. */
import assert from 'node:assert/strict'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashOf } from '../../core/off-site/signature.ts'
import { agent, server } from './ground.ts'

/** The second as long as names may be. */
const NAMES = ['f', `${'é'.repeat(126)}abc`]

test('files that were saved often, and their owner removed some: what was set aside is given back and restored', async () => {
	const files = NAMES.map((name) => server.offer(name, ''))
	for (let version = 1; version < 5; version++) {
		for (const file of files) server.files.set(file.id, { ...file, version, content: Buffer.from(`content ${version}`) })
		assert.equal((await agent.run('-a', 'replicate')).code, 0)
	}
	for (const [index, name] of NAMES.entries()) {
		const aside = agent.paths().filter((path) => path !== name && path.startsWith(name[0] as string))
		assert.equal(aside.length, 3)
		rmSync(join(agent.folder, aside[0] as string))
		for (const version of [2, 3]) {
			const content = Buffer.from(`content ${version}`)
			server.orders.push({ order: index * 10 + version, path: Buffer.from(name), hash: hashOf(content), size: content.length, received: Buffer.alloc(0) })
		}
		renameSync(join(agent.folder, name), join(agent.folder, `${aside[2]}7`))
	}
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.deepEqual(server.orders.map(({ received }) => received.toString()), ['content 2', 'content 3', 'content 2', 'content 3'])
	const to = join(agent.base, 'to')
	assert.deepEqual(await agent.run('-a', 'restore', '--to', to), { code: 0, out: '', err: '' })
	for (const name of NAMES) assert.equal(readFileSync(join(to, name), 'utf8'), 'content 4')
})

test('a file that was set aside more often than there are numbers of four digits', async () => {
	const file = server.offer('f', 'before')
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	writeFileSync(join(agent.folder, 'f.old'), '')
	for (let number = 1; number < 10_000; number++) linkSync(join(agent.folder, 'f.old'), join(agent.folder, `f.old${number}`))
	server.files.set(file.id, { ...file, version: 2, content: Buffer.from('after') })
	server.offer('g', 'another')
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.deepEqual(['f', 'g', 'f.old10000'].map((path) => agent.content(path)), ['after', 'another', 'before'])
})
