/** Reading directories: whole, in pieces, and while they change. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { type Dirent, getdents, open, seekDirectory } from '../support/libc.ts'
import type { Cases } from './cases.ts'

const { O_DIRECTORY, O_RDONLY } = fs.constants
/** More than one part of a listing. */
const MANY = 1_500

function withDirectory<T>(path: string, body: (fd: number) => T): T {
	const fd = open(path, O_RDONLY | O_DIRECTORY)
	try {
		return body(fd)
	} finally {
		fs.closeSync(fd)
	}
}

function* entriesOf(fd: number, bufferBytes = 32_768): Generator<Dirent> {
	for (;;) {
		const some = getdents(fd, bufferBytes)
		if (some.length === 0) return
		yield* some
	}
}

const namesOf = (entries: Iterable<Dirent>) =>
	[...entries].map(({ name }) => name.toString()).filter((name) => name !== '.' && name !== '..')

function fill(dir: string, count: number): string[] {
	const names = Array.from({ length: count }, (_, index) => `entry-${String(index).padStart(6, '0')}`)
	// Names of one file: the cheapest way to a large directory. Other names of it must not matter to a listing.
	fs.writeFileSync(join(dir, names[0] as string), '')
	for (const name of names.slice(1)) fs.symlinkSync('.', join(dir, name))
	return names
}

export const cases: Cases = {
	'a listing has . and .., every entry once, with its kind and inode number'(dir) {
		fs.writeFileSync(join(dir, 'file'), '')
		fs.mkdirSync(join(dir, 'directory'))
		fs.symlinkSync('x', join(dir, 'symlink'))
		const entries = withDirectory(dir, (fd) => [...entriesOf(fd)])
		const kinds = Object.fromEntries(entries.map(({ name, kind }) => [name.toString(), kind]))
		assert.deepEqual(kinds, { '.': 4, '..': 4, file: 8, directory: 4, symlink: 10 })
		for (const { name, ino } of entries) {
			if (name.toString() === '..') continue
			assert.equal(fs.lstatSync(join(dir, name.toString()), { bigint: true }).ino, ino)
		}
	},

	'an empty directory lists nothing, and what is made after is there at the next listing'(dir) {
		assert.deepEqual(fs.readdirSync(dir), [])
		for (let round = 0; round < 20; round++) {
			fs.writeFileSync(join(dir, `${round}`), '')
			assert.equal(fs.readdirSync(dir).length, round + 1)
		}
		for (let round = 0; round < 20; round++) {
			fs.unlinkSync(join(dir, `${round}`))
			assert.equal(fs.readdirSync(dir).length, 19 - round)
		}
	},

	'a descriptor is read again from the start after lseek to 0'(dir) {
		fill(dir, 50)
		withDirectory(dir, (fd) => {
			assert.equal(namesOf(entriesOf(fd)).length, 50)
			fs.writeFileSync(join(dir, 'new'), '')
			seekDirectory(fd, 0n)
			assert.equal(namesOf(entriesOf(fd)).length, 51)
		})
	},

	'reading goes on where any cookie says, also after entries before it are gone'(dir) {
		fill(dir, 300)
		withDirectory(dir, (fd) => {
			const all = [...entriesOf(fd, 1024)]
			for (const index of [0, 1, 2, 150, 299, all.length - 1]) {
				seekDirectory(fd, (all[index] as Dirent).cookie)
				assert.deepEqual(namesOf(entriesOf(fd)), namesOf(all.slice(index + 1)))
			}
			for (const { name } of all.slice(10, 100)) {
				if (!/^\.+$/.test(name.toString())) fs.unlinkSync(join(dir, name.toString()))
			}
			seekDirectory(fd, (all[150] as Dirent).cookie)
			assert.deepEqual(namesOf(entriesOf(fd)), namesOf(all.slice(151)))
		})
	},

	'a place in a large directory is good however often others are gone to'(dir) {
		fill(dir, 400)
		withDirectory(dir, (fd) => {
			const all: Dirent[] = []
			for (let some = getdents(fd, 16_384); some.length > 0; some = getdents(fd, 16_384)) {
				all.push(some[0] as Dirent)
				seekDirectory(fd, (some[0] as Dirent).cookie)
			}
			assert.equal(namesOf(all).length, 400)
			for (let round = 0; round < 500; round++) {
				const at = (round * 1_237) % (all.length - 1)
				seekDirectory(fd, (all[at] as Dirent).cookie)
				assert.equal(getdents(fd, 512)[0]?.name.toString(), all[at + 1]?.name.toString())
			}
		})
	},

	'more entries than one answer takes are listed once each'(dir) {
		const names = fill(dir, MANY)
		for (const bufferBytes of [2048, 65_536]) {
			const seen = withDirectory(dir, (fd) => namesOf(entriesOf(fd, bufferBytes)))
			assert.equal(seen.length, MANY)
			assert.deepEqual(seen.sort(), names)
		}
	},

	'what stays is listed once while others are renamed, removed and made'(dir) {
		const names = fill(dir, MANY)
		const stays = new Set(names.filter((_, index) => index % 3 === 0))
		const seen = withDirectory(dir, (fd) => {
			const found: string[] = []
			let next = 1
			for (const { name } of entriesOf(fd, 4096)) {
				found.push(name.toString())
				// A change for each entry read, far ahead of and behind the reader.
				next = (next + 619) % MANY
				if (next % 3 === 1) fs.rmSync(join(dir, names[next] as string), { force: true })
				if (next % 3 === 2 && fs.existsSync(join(dir, names[next] as string))) {
					fs.renameSync(join(dir, names[next] as string), join(dir, `aa-${next}`))
				}
				if (next % 50 === 0) fs.writeFileSync(join(dir, `zz-${next}`), '')
			}
			return found
		})
		const kept = seen.filter((name) => stays.has(name))
		assert.equal(new Set(kept).size, stays.size, 'none is missed')
		assert.equal(kept.length, stays.size, 'none is doubled')
	},

	'a directory is emptied while it is read'(dir) {
		fill(dir, 1_100)
		withDirectory(dir, (fd) => {
			for (const { name } of entriesOf(fd, 2048)) {
				if (!/^\.+$/.test(name.toString())) fs.unlinkSync(join(dir, name.toString()))
			}
		})
		assert.deepEqual(fs.readdirSync(dir), [])
	},

	'find and rm -r agree on a tree of some hundred entries'(dir) {
		for (let a = 0; a < 8; a++) {
			for (let b = 0; b < 8; b++) {
				fs.mkdirSync(join(dir, `${a}/${b}`), { recursive: true })
				for (let c = 0; c < 8; c++) fs.writeFileSync(join(dir, `${a}/${b}/${c}`), `${a}${b}${c}`)
			}
		}
		const found = spawnSync('find', ['.', '-type', 'f'], { cwd: dir, encoding: 'utf8' })
		assert.equal(found.stderr, '')
		assert.equal(found.stdout.split('\n').length - 1, 8 * 8 * 8)
		const listed = spawnSync('ls', ['-lR'], { cwd: dir, encoding: 'utf8' })
		assert.deepEqual([listed.status, listed.stderr], [0, ''])
		const removed = spawnSync('sh', ['-c', 'rm -r -- *'], { cwd: dir, encoding: 'utf8' })
		assert.deepEqual([removed.status, removed.stderr], [0, ''])
		assert.deepEqual(fs.readdirSync(dir), [])
	},
}
