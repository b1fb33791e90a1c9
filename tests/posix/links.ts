/** Symbolic links, hard links and the special files. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { mknod } from '../support/libc.ts'
import { type Cases, fails } from './cases.ts'

export const cases: Cases = {
	'a symlink keeps any target, byte for byte'(dir) {
		const targets = ['x', '/absolute/target', '../../up', 'a'.repeat(4095), 'ends with space ', 'new\nline']
		for (const [index, target] of targets.entries()) {
			fs.symlinkSync(target, join(dir, `l${index}`))
			assert.equal(fs.readlinkSync(join(dir, `l${index}`)), target)
			assert.equal(fs.lstatSync(join(dir, `l${index}`)).size, target.length)
		}
		const odd = Buffer.from([0xff, 0x41, 0xfe])
		fs.symlinkSync(odd, join(dir, 'odd'))
		assert.deepEqual(fs.readlinkSync(join(dir, 'odd'), 'buffer'), odd)
	},

	'a symlink is followed, dangles and loops as it should'(dir) {
		fs.writeFileSync(join(dir, 'file'), 'content')
		fs.symlinkSync('file', join(dir, 'link'))
		assert.equal(fs.readFileSync(join(dir, 'link'), 'utf8'), 'content')
		fs.symlinkSync('missing', join(dir, 'dangling'))
		fails('ENOENT', () => fs.readFileSync(join(dir, 'dangling')))
		fs.symlinkSync('loop', join(dir, 'loop'))
		fails('ELOOP', () => fs.readFileSync(join(dir, 'loop')))
		fails('EINVAL', () => fs.readlinkSync(join(dir, 'file')))
		fails('EEXIST', () => fs.symlinkSync('file', join(dir, 'link')))
	},

	'writing through a dangling symlink creates its target'(dir) {
		fs.symlinkSync('made', join(dir, 'link'))
		fs.writeFileSync(join(dir, 'link'), 'content')
		assert.equal(fs.readFileSync(join(dir, 'made'), 'utf8'), 'content')
	},

	'every name of a file shows the link count and the content at once'(dir) {
		const names = ['a', 'b', 'sub/c'].map((name) => join(dir, name))
		const [a, b, c] = names as [string, string, string]
		fs.mkdirSync(join(dir, 'sub'))
		fs.writeFileSync(a, 'one')
		fs.linkSync(a, b)
		assert.deepEqual([fs.statSync(a).nlink, fs.statSync(b).nlink], [2, 2])
		fs.linkSync(b, c)
		assert.deepEqual(names.map((name) => fs.statSync(name).nlink), [3, 3, 3])
		assert.equal(new Set(names.map((name) => fs.statSync(name).ino)).size, 1)
		fs.appendFileSync(c, ' two')
		assert.deepEqual(names.map((name) => fs.readFileSync(name, 'utf8')), Array(3).fill('one two'))
		fs.chmodSync(b, 0o600)
		assert.deepEqual(names.map((name) => fs.statSync(name).mode & 0o777), Array(3).fill(0o600))
		fs.unlinkSync(a)
		assert.deepEqual([fs.statSync(b).nlink, fs.statSync(c).nlink], [2, 2])
		fs.renameSync(b, c)
		assert.equal(fs.statSync(b).nlink, 2, 'a rename between two names of one file does nothing')
		fs.unlinkSync(b)
		assert.equal(fs.statSync(c).nlink, 1)
		assert.equal(fs.readFileSync(c, 'utf8'), 'one two')
	},

	'a file with many names'(dir) {
		fs.writeFileSync(join(dir, '0'), 'x')
		for (let count = 1; count < 300; count++) fs.linkSync(join(dir, '0'), join(dir, `${count}`))
		assert.equal(fs.statSync(join(dir, '150')).nlink, 300)
		for (let count = 0; count < 299; count++) fs.unlinkSync(join(dir, `${count}`))
		assert.equal(fs.statSync(join(dir, '299')).nlink, 1)
		assert.equal(fs.readFileSync(join(dir, '299'), 'utf8'), 'x')
	},

	'a hard link refuses directories and existing names'(dir) {
		fs.mkdirSync(join(dir, 'd'))
		fs.writeFileSync(join(dir, 'f'), '')
		fails('EPERM', () => fs.linkSync(join(dir, 'd'), join(dir, 'e')))
		fails('EEXIST', () => fs.linkSync(join(dir, 'f'), join(dir, 'd')))
		fails('ENOENT', () => fs.linkSync(join(dir, 'no'), join(dir, 'x')))
		fails('ENOTDIR', () => fs.linkSync(join(dir, 'f'), join(dir, 'f/x')))
	},

	'a symlink can have a second name of its own'(dir) {
		fs.symlinkSync('target', join(dir, 'a'))
		fs.linkSync(join(dir, 'a'), join(dir, 'b'))
		assert.equal(fs.readlinkSync(join(dir, 'b')), 'target')
		assert.equal(fs.lstatSync(join(dir, 'a')).nlink, 2)
		fs.unlinkSync(join(dir, 'a'))
		assert.equal(fs.readlinkSync(join(dir, 'b')), 'target')
	},

	'fifos, sockets and devices keep their kind and number'(dir) {
		const kinds = { fifo: 0o010644, socket: 0o140755, character: 0o020600, block: 0o060660 }
		for (const [name, mode] of Object.entries(kinds)) {
			mknod(join(dir, name), mode, name === 'character' || name === 'block' ? 0x0103 : 0)
			const seen = fs.lstatSync(join(dir, name))
			assert.equal(seen.mode & 0o170000, mode & 0o170000)
			assert.equal(seen.mode & 0o777, mode & 0o777 & ~0o022)
		}
		assert.equal(fs.lstatSync(join(dir, 'character')).rdev, 0x0103)
		fs.renameSync(join(dir, 'fifo'), join(dir, 'moved'))
		assert.ok(fs.lstatSync(join(dir, 'moved')).isFIFO())
		fs.linkSync(join(dir, 'moved'), join(dir, 'again'))
		assert.equal(fs.lstatSync(join(dir, 'again')).nlink, 2)
		for (const name of fs.readdirSync(dir)) fs.unlinkSync(join(dir, name))
	},

	'mknod makes a regular file too, and refuses a name that is there'(dir) {
		mknod(join(dir, 'f'), 0o100640)
		assert.ok(fs.statSync(join(dir, 'f')).isFile())
		fs.writeFileSync(join(dir, 'f'), 'works')
		fails('EEXIST', () => mknod(join(dir, 'f'), 0o010644))
	},

	'bytes go through a fifo'(dir) {
		mknod(join(dir, 'pipe'), 0o010644)
		const said = execFileSync('sh', ['-c', 'echo through > pipe & cat pipe; wait'], { cwd: dir, timeout: 10_000 })
		assert.equal(said.toString(), 'through\n')
	},

	async 'a socket is bound and answered by its path'(dir) {
		const cwd = process.cwd()
		process.chdir(dir) // the address of a socket holds 107 bytes
		try {
			const server = net.createServer((peer) => peer.end('hello')).listen('s')
			await once(server, 'listening')
			const peer = net.connect('s')
			const [data] = await once(peer, 'data')
			assert.equal(String(data), 'hello')
			peer.destroy()
			server.close()
			await once(server, 'close')
		} finally {
			process.chdir(cwd)
		}
	},

	async 'a program in it runs'(dir) {
		fs.copyFileSync('/bin/true', join(dir, 'program'))
		fs.chmodSync(join(dir, 'program'), 0o755)
		fs.writeFileSync(join(dir, 'script'), '#!/bin/sh\nexit 7\n', { mode: 0o755 })
		const [code] = await once(spawn(join(dir, 'program')), 'exit')
		const [answer] = await once(spawn(join(dir, 'script')), 'exit')
		assert.deepEqual([code, answer], [0, 7])
	},
}
