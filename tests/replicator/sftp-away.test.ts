/** A host that cannot be spoken to is one trouble, and a file is named once. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { installation, writeFile } from '../unit/installation.ts'
import { dealtWith, makeCopies } from './copying.ts'

const FILES = 5

test('of many files that only an unreachable host has one is named, and how many there are', async (t) => {
	const made = await installation(t, 2, [{ name: 'default', pattern: '', copies: 2 }])
	const writer = await made.start()
	for (let number = 0; number < FILES; number++) writeFile(writer.fs, `f${number}`, 'text')
	await flushLater(writer.fs)
	disk.renameSync(made.node(1), made.node(11))
	const { fs } = await made.start()
	disk.writeFileSync(made.node(11, 'key'), '', { mode: 0o600 })
	fs.config.nodes.node1 = {
		sftp: { host: '127.0.0.1', port: 1, user: 'root', path: made.node(11), keyFile: made.node(11, 'key'), knownHostsFile: '/dev/null' },
	}
	const copies = await makeCopies(fs, 2)
	const why = 'node node1: root@127.0.0.1:1: /dev/null has no key of host 127.0.0.1'
	assert.deepEqual([copies.troubles, copies.notes], [[`f0: ${why}`], [`${FILES} files were left: ${why}`]])
	assert.equal(dealtWith(copies), FILES)
})

test('a file whose last source fails is named once', async (t) => {
	const made = await installation(t, 2, [{ name: 'default', pattern: '', copies: 2 }])
	const { fs } = await made.start()
	writeFile(fs, 'f', 'text')
	await flushLater(fs)
	disk.rmSync(made.node(1, 'f'))
	const { troubles, notes } = await makeCopies(fs, 2)
	assert.deepEqual([troubles.length, notes], [1, []])
	assert.match(troubles[0], /^f: node node1: .*ENOENT/)
})
