/** A node that is not mounted here, read over SFTP from a real server. */
import assert from 'node:assert/strict'
import { KeyObject, randomBytes } from 'node:crypto'
import * as disk from 'node:fs'
import { after, before, type TestContext, test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { knownKeys } from '../../core/nodes/sftp-known-hosts.ts'
import { openSession } from '../../core/nodes/sftp-session.ts'
import { createFile, type Installation, installation, now } from '../unit/installation.ts'
import { release } from '../../core/filesystem/publish.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { until } from '../support/until.ts'
import { makeCopies, type Made } from './copying.ts'

let sshd: Sshd
before(async () => {
	sshd = await startSshd()
})
after(() => sshd.stop())

const CLASSES = [{ name: 'default', pattern: '', copies: 2 }]

interface Distant extends Installation {
	fs: Filesystem
	copy(): Promise<Made>
}

/** Node 1 has the file and is away from here, where it is on the server; node 2 wants it. */
async function distant(
	t: TestContext,
	files: Record<string, Buffer>,
	sftp: { port?: number; keyFile?: string; knownHostsFile?: string; path?: string } = {},
): Promise<Distant> {
	const made = await installation(t, 2, CLASSES)
	const writer = await made.start()
	for (const [name, content] of Object.entries(files)) {
		const file = createFile(writer.fs, name)
		file.node.operations.write(file.fd, content, 0)
		now(release(writer.fs, file, true))
	}
	await flushLater(writer.fs)
	disk.renameSync(made.node(1), made.node(11))
	const { fs } = await made.start()
	const { port, keyFile, knownHostsFile } = sshd
	fs.config.nodes.node1 = {
		sftp: { host: '127.0.0.1', port, user: 'root', path: made.node(11), keyFile, knownHostsFile, ...sftp },
	}
	return { ...made, fs, copy: () => makeCopies(fs, 2) }
}

test('copies are pulled over one connection, byte for byte, holes as holes', async (t) => {
	const files = {
		big: randomBytes(3_000_001),
		small: Buffer.from('few'),
		empty: Buffer.alloc(0),
		sparse: Buffer.alloc(4 * 1024 * 1024),
	}
	const { node, copy, fs, rows } = await distant(t, files)
	rows('UPDATE file SET blocks = 0 WHERE size = ?', files.sparse.length)
	const connected = sshd.connections()
	const { summary } = await copy()
	assert.deepEqual(summary.outcomes, { copied: 4 })
	for (const [name, content] of Object.entries(files)) assert.deepEqual(disk.readFileSync(node(2, name)), content, name)
	assert.equal(disk.statSync(node(2, 'sparse')).blocks, 0)
	assert.equal(sshd.connections(), connected + 1)
	await flushLater(fs)
	assert.equal(rows('SELECT * FROM replica WHERE node_id = 2 AND state = 1').length, 4)
})

test('between two runs no connection is kept', async (t) => {
	const { copy, rows } = await distant(t, { f: Buffer.from('text') })
	const connected = sshd.connections()
	for (let run = 1; run <= 2; run++) {
		assert.deepEqual((await copy()).summary.outcomes, { copied: 1 })
		assert.equal(sshd.connections(), connected + run)
		rows('UPDATE replica SET state = 2 WHERE node_id = 2')
	}
})

test('a connection that is cut in the middle of a file is made again, and the file goes on', async (t) => {
	const content = randomBytes(24_000_000)
	const { node, copy } = await distant(t, { big: content })
	const connected = sshd.connections()
	sshd.cutAfter(18_000_000)
	const { summary } = await copy()
	assert.deepEqual(summary.outcomes, { copied: 1 })
	assert.deepEqual(disk.readFileSync(node(2, 'big')), content)
	assert.equal(sshd.connections(), connected + 2)
})

test('a host that goes in the middle, a large file or many small ones, and does not come back: named, and the run ends', async (t) => {
	t.after(() => sshd.refuse(false))
	const small = Object.fromEntries(Array.from({ length: 40 }, (_, number) => [`small${number}`, randomBytes(300_000)]))
	for (const [files, bytes] of [[{ big: randomBytes(24_000_000) }, 18_000_000], [small, 4_000_000]] as const) {
		const { copy } = await distant(t, files)
		sshd.cutAfter(bytes)
		const connected = sshd.connections()
		sshd.refuse(false)
		const copying = copy()
		await until('it is connected', () => sshd.connections() > connected || undefined)
		sshd.refuse(true)
		const { summary, troubles } = await copying
		assert.ok(summary.troubles > 0)
		assert.match(troubles[0], /root@127\.0\.0\.1:\d+: /)
	}
})

test('a host whose disk hangs in the middle of a file, while it says itself that it is there, is asked anew', async (t) => {
	const content = randomBytes(24_000_000)
	const scratch = disk.mkdtempSync('/tmp/cairn-sftp-hangs-')
	t.after(() => disk.rmSync(scratch, { recursive: true }))
	const server = `${scratch}/server`
	const first = `if mkdir ${scratch}/first 2>/dev/null; then /usr/lib/openssh/sftp-server | { dd bs=64k count=100 2>/dev/null; exec sleep 60; }; fi`
	disk.writeFileSync(server, `#!/bin/sh\n${first}\nexec /usr/lib/openssh/sftp-server\n`, { mode: 0o755 })
	const hanging = await startSshd(server)
	t.after(() => hanging.stop())
	const { port, keyFile, knownHostsFile } = hanging
	const { node, copy } = await distant(t, { big: content }, { port, keyFile, knownHostsFile })
	assert.deepEqual((await copy()).summary.outcomes, { copied: 1 })
	assert.deepEqual(disk.readFileSync(node(2, 'big')), content)
	assert.equal(hanging.connections(), 2)
})

test('a host that lets in and answers nothing then is given up', async (t) => {
	const silent = await startSshd('/bin/cat')
	t.after(() => silent.stop())
	const { port, keyFile, knownHostsFile } = silent
	const session = openSession('n', { host: '127.0.0.1', port, user: 'root', path: '/', keyFile, knownHostsFile })
	await assert.rejects(session.get(), { code: 'ENOTCONN', message: /^root@127\.0\.0\.1:\d+: / })
	const mute = await startSshd('/bin/sleep 60')
	t.after(() => mute.stop())
	const other = openSession('n', { host: '127.0.0.1', port: mute.port, user: 'root', path: '/', keyFile: mute.keyFile, knownHostsFile: mute.knownHostsFile })
	await assert.rejects(other.get(), { code: 'ENOTCONN', message: /no answer within 20 s/ })
})

test('the key of a connection is made an object once, and not for each packet: where the library has it is not written anywhere', async () => {
	const { port, keyFile, knownHostsFile } = sshd
	const session = openSession('n', { host: '127.0.0.1', port, user: 'root', path: '/', keyFile, knownHostsFile })
	const sftp = (await session.get()) as unknown as { _protocol: { _decipher: { _decipherKey: unknown } } }
	assert.ok(sftp._protocol._decipher._decipherKey instanceof KeyObject)
	await session.end()
})

test('a key that is not let in: named, and left for the next run', async (t) => {
	const { node, copy } = await distant(t, { f: Buffer.from('text') }, { keyFile: sshd.strangerKeyFile })
	const { summary, troubles } = await copy()
	assert.deepEqual([summary.outcomes, summary.troubles], [{}, 1])
	assert.match(troubles[0], /^f: .*node1.*the key .*stranger is refused/)
	assert.equal(disk.existsSync(node(2, 'f')), false)
})

test('a key file that others may read is not used', async (t) => {
	const keyFile = `${sshd.keyFile}-open`
	disk.copyFileSync(sshd.keyFile, keyFile)
	disk.chmodSync(keyFile, 0o644)
	const { copy } = await distant(t, { f: Buffer.from('text') }, { keyFile })
	assert.match((await copy()).troubles[0], /others than its owner may read/)
})

test('a directory that is another node is not read', async (t) => {
	const made = await distant(t, { f: Buffer.from('text') })
	const identity = made.node(11, '.cairn/node.json')
	disk.writeFileSync(identity, disk.readFileSync(identity, 'utf8').replace(/"uuid": ".{8}/, '"uuid": "00000000'))
	assert.match((await made.copy()).troubles[0], /is not the node node1/)
})

test('a node that is all there is of a host, where the key is shut in', async (t) => {
	// sshd takes no directory that others than root may change, nor one below such a one.
	const cage = disk.mkdtempSync('/run/cairn-cage-')
	const server = await startSshd('internal-sftp', { ChrootDirectory: cage })
	t.after(async () => {
		await server.stop()
		disk.rmSync(cage, { recursive: true })
	})
	const { port, keyFile, knownHostsFile } = server
	const made = await distant(t, { f: Buffer.from('text') }, { port, keyFile, knownHostsFile, path: '/' })
	disk.cpSync(made.node(11), cage, { recursive: true })
	assert.deepEqual((await made.copy()).troubles, [])
	assert.equal(disk.readFileSync(made.node(2, 'f'), 'utf8'), 'text')
})

test('a symlink where a directory should be leads nowhere', async (t) => {
	const made = await distant(t, { f: Buffer.from('text') })
	disk.renameSync(made.node(11, 'f'), made.node(11, '.cairn/moved'))
	disk.symlinkSync(made.node(11, '.cairn/moved'), made.node(11, 'f'))
	assert.match((await made.copy()).troubles[0], /a symlink stands in the way/)
})

test('a host with another key than is known is not spoken to, and is named', async (t) => {
	const made = await distant(t, { f: Buffer.from('text') })
	await sshd.changeHostKey()
	const { summary, troubles } = await made.copy()
	assert.equal(summary.troubles, 1)
	assert.match(troubles[0], /host 127\.0\.0\.1 has another key than .*known_hosts says/)
	assert.equal(disk.existsSync(made.node(2, 'f')), false)
})

test('known hosts: names, ports, patterns, hashes, and what is revoked', () => {
	const key = (text: string) => Buffer.from(text).toString('base64')
	const text = [
		'# a comment',
		`plain.example,10.0.0.1 ssh-ed25519 ${key('plain')}`,
		`[ported.example]:2222 ssh-ed25519 ${key('ported')}`,
		`*.wild.example,!not.wild.example ssh-ed25519 ${key('wild')}`,
		`@revoked plain.example ssh-ed25519 ${key('stolen')}`,
		`@cert-authority plain.example ssh-ed25519 ${key('authority')}`,
		// The name [127.0.0.1]:2022, with its salt.
		`|1|c2FsdHNhbHRzYWx0c2FsdHNhbHQ=|hZ4qT6i4Hf1ojJBeLDPB2G2bv3I= ssh-ed25519 ${key('hashed')}`,
	].join('\n')
	const known = (host: string, port = 22) => knownKeys(text, host, port).keys.map(String)
	assert.deepEqual(known('plain.example'), ['plain'])
	assert.deepEqual(known('PLAIN.example'), ['plain'])
	assert.deepEqual(known('10.0.0.1'), ['plain'])
	assert.deepEqual(known('plain.example', 2222), [])
	assert.deepEqual(known('ported.example', 2222), ['ported'])
	assert.deepEqual(known('ported.example'), [])
	assert.deepEqual(known('a.wild.example'), ['wild'])
	assert.deepEqual(known('not.wild.example'), [])
	assert.deepEqual(known('wildXexample'), [])
	assert.deepEqual(known('127.0.0.1', 2022), ['hashed'])
	assert.deepEqual(known('127.0.0.1', 2023), [])
	assert.deepEqual(knownKeys(text, 'plain.example', 22).revoked.map(String), ['stolen'])
})
