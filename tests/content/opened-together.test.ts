/** Files that are opened, written and closed while others of this process, or others, are on their way to opening, saving or moving them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fail } from '../../core/errors.ts'
import { read } from '../../core/filesystem/data.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { getAttributes } from '../../core/filesystem/lookup.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { publishAtClose, release } from '../../core/filesystem/publish.ts'
import { openLocated } from '../../core/filesystem/read-content.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { locate } from '../../core/filesystem/resolve.ts'
import type { FileId } from '../../core/ids.ts'
import type { Node, NodeOperations } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { engines, mariadb, sqlite } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { get, makeFile, put, tree } from './tree.ts'

const READ = { write: false, truncate: false }
const WRITE = { write: true, truncate: false }
const REWRITE = { write: true, truncate: true }
const ROUNDS = 40

function write({ node, fd }: OpenFile, text: string) {
	return node.operations.write(fd, Buffer.from(text), 0)
}

async function close(fs: Filesystem, file: OpenFile): Promise<void> {
	await run(publishAtClose(fs, file))
	await run(release(fs, file, true))
}

/** The next call on the first node is kept waiting for that. */
function around(fs: Filesystem, name: keyof NodeOperations, { before, after }: { before?(): Promise<unknown>; after?(): Promise<unknown> }): void {
	const { operations } = fs.nodes.get(1) as Node
	const real = operations[name] as (...args: unknown[]) => unknown
	const once = async (...args: unknown[]) => {
		Object.assign(operations, { [name]: real })
		await before?.()
		const answer = await real(...args)
		await after?.()
		return answer
	}
	Object.assign(operations, { [name]: once })
}

for (const engine of engines) {
	test(`${engine.name}: what the one has written counts, whoever opens it to write after him and was first to ask`, async (t) => {
		const made = await tree(t, engine)
		const [a, b] = [await made.start(), await made.start()]
		const id = await makeFile(a.fs, 'x', 'old')
		await run(catchUp(b.fs))
		let first: OpenFile | undefined
		around(a.fs, 'open', {
			async before() {
				first = await run(open(a.fs, id, WRITE))
				await write(first, 'written')
			},
		})
		const second = await run(open(a.fs, id, WRITE))
		assert.ok(first)
		assert.equal(first, second)
		await close(a.fs, first)
		await run(release(a.fs, second, true))
		await flushLater(a.fs)
		assert.deepEqual(await made.rows('SELECT size, version FROM file WHERE id = ?', id), [{ size: 7, version: 2 }])
		await run(catchUp(b.fs))
		assert.equal(String(await get(b.fs, 'x')), 'written')
	})

	test(`${engine.name}: somebody writes to it since it was looked up: it is looked up again, and its copy is not taken for a wrong one`, async (t) => {
		const made = await tree(t, engine)
		const [a, b] = [await made.start(), await made.start()]
		const id = await makeFile(a.fs, 'x', 'old')
		await run(catchUp(b.fs))
		const located = await run(locate(b.fs, Buffer.from('x')))
		const file = await run(open(a.fs, id, WRITE))
		await write(file, 'longer')
		assert.equal(await run(openLocated(b.fs, located)), undefined)
		assert.equal(String(await get(b.fs, 'x')), 'longer')
		await close(a.fs, file)
		await flushLater(a.fs)
		assert.equal(await run(openLocated(b.fs, located)), undefined)
		assert.equal(b.fs.open.size, 0)
	})

	test(`${engine.name}: one that cannot be opened to write takes no pin from the other`, async (t) => {
		const made = await tree(t, engine)
		const a = await made.start()
		const id = await makeFile(a.fs, 'x', 'old')
		let first: OpenFile | undefined
		around(a.fs, 'open', {
			async before() {
				first = await run(open(a.fs, id, WRITE))
				throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
			},
		})
		await assert.rejects(async () => run(open(a.fs, id, WRITE)), { code: 'EACCES' })
		await flushLater(a.fs)
		assert.equal((await made.rows('SELECT file_id FROM writer WHERE file_id = ?', id)).length, 1)
		await close(a.fs, first as OpenFile)
	})

	test(`${engine.name}: a process that has too many files open says that, and not that there is no copy`, async (t) => {
		const made = await tree(t, engine)
		const a = await made.start()
		const id = await makeFile(a.fs, 'x', 'old')
		for (const request of [READ, WRITE]) {
			around(a.fs, 'open', { before: async () => fail('EMFILE') })
			await assert.rejects(async () => run(open(a.fs, id, request)), { code: 'EMFILE' })
		}
		assert.equal(String(await get(a.fs, 'x')), 'old')
		await flushLater(a.fs)
		assert.deepEqual(await made.problems(), [])
	})

	for (const [how, request] of [['to read', READ], ['to write', WRITE]] as const) {
		test(`${engine.name}: opened ${how} while another moves it on and makes one of that name: it is not the other`, async (t) => {
			const made = await tree(t, engine)
			const [a, b] = [await made.start(), await made.start()]
			await put(a.fs, 'y', 'y')
			const id = await makeFile(a.fs, 'x', 'the first')
			await run(catchUp(b.fs))
			around(a.fs, 'open', {
				async before() {
					await run(rename(b.fs, at('x'), at('first'), 'replace'))
					await flushLater(b.fs)
					await makeFile(b.fs, 'x', 'another')
				},
			})
			await assert.rejects(async () => run(open(a.fs, id, request)), { code: 'ESTALE' })
			assert.equal(a.fs.open.size, 0)
			const file = await run(open(a.fs, id, request))
			const buffer = Buffer.alloc(100)
			assert.equal(buffer.toString('latin1', 0, await run(read(a.fs, file, buffer, 0))), 'the first')
			await run(release(a.fs, file, request.write))
			assert.equal(readFileSync(made.node(1, 'x'), 'latin1'), 'another')
		})
	}
}

test('SQLite, which another process has locked for a moment: two open a file to write, one of them writes', async (t) => {
	const made = await tree(t, sqlite)
	const a = await made.start()
	const id = await makeFile(a.fs, 'x', 'old')
	await writtenByOneOfTwo(a.fs, id, ROUNDS, async (opening) => {
		const { DatabaseSync } = await import('node:sqlite')
		const other = new DatabaseSync(made.address.replace(/^sqlite:/, ''))
		other.exec('BEGIN IMMEDIATE')
		const opened = opening()
		await pause(6)
		other.exec('COMMIT')
		other.close()
		await opened
	})
})

test('MariaDB: two open a file to write, one of them writes', async (t) => {
	const made = await tree(t, mariadb)
	const a = await made.start()
	const id = await makeFile(a.fs, 'x', 'old')
	await writtenByOneOfTwo(a.fs, id, ROUNDS, (opening) => opening())
})

async function writtenByOneOfTwo(fs: Filesystem, id: FileId, rounds: number, around: (opening: () => Promise<unknown>) => Promise<unknown>): Promise<void> {
	for (let round = 0; round < rounds; round++) {
		const text = `${round}`.padEnd(4 + round, '.')
		const one = async () => {
			const file = await run(open(fs, id, WRITE))
			await write(file, text)
			await pause(3)
			await close(fs, file)
		}
		const two = async () => {
			await pause((round % 6) / 2)
			await close(fs, await run(open(fs, id, WRITE)))
		}
		await around(() => Promise.all([one(), two()]))
		await flushLater(fs)
		assert.equal(String(await get(fs, 'x')), text)
	}
}

test('a remote node: emptied while the last handle is released', async (t) => {
	const made = await tree(t, sqlite)
	const { fs } = await made.start({ remote: true })
	const id = await makeFile(fs, 'x', '0123456789')
	const first = await run(open(fs, id, WRITE))
	around(fs, 'truncate', { after: async () => run(release(fs, first, true)) })
	const second = await run(open(fs, id, REWRITE))
	// What is opened next has the number of a descriptor that was closed.
	await makeFile(fs, 'other', 'of the other')
	await write(second, 'NEW')
	await close(fs, second)
	assert.deepEqual(['other', 'x'].map((name) => readFileSync(made.node(1, name), 'latin1')), ['of the other', 'NEW'])
})

test('a remote node: written anew by one after the other, the next before the last is closed', async (t) => {
	const made = await tree(t, sqlite)
	const { fs } = await made.start({ remote: true })
	const id = await makeFile(fs, 'x', '0123456789')
	for (let round = 0; round < ROUNDS; round++) {
		const first = await run(open(fs, id, WRITE))
		await write(first, 'abc')
		await run(publishAtClose(fs, first))
		const [, second] = await Promise.all([run(release(fs, first, true)), run(open(fs, id, REWRITE))])
		await write(second, `${round}`)
		await close(fs, second)
		assert.equal(readFileSync(made.node(1, 'x'), 'latin1'), `${round}`)
	}
})

for (const when of ['before', 'after'] as const) test(`a remote node: opened to write while the last reader closes, ${when} it is looked at: each descriptor is closed once`, async (t) => {
	const made = await tree(t, sqlite)
	const { fs } = await made.start({ remote: true })
	const id = await makeFile(fs, 'x', '0123456789')
	const reader = await run(open(fs, id, READ))
	const closed: number[] = []
	const { operations } = fs.nodes.get(1) as Node
	const { close: reallyClose, fstat } = operations
	Object.assign(operations, {
		close(fd: number) {
			closed.push(fd)
			return reallyClose(fd)
		},
		async fstat(fd: number) {
			const isReader = fd === reader.fd && reader.handles > 0
			if (isReader && when === 'before') await run(release(fs, reader, false))
			const answer = await fstat(fd)
			if (isReader && when === 'after') await run(release(fs, reader, false))
			return answer
		},
	})
	const second = await run(open(fs, id, WRITE))
	await run(release(fs, second, true))
	assert.equal(new Set(closed).size, 2, `${closed}`)
	assert.equal(closed.length, 2, `${closed}`)
})

for (const engine of engines) {
	test(`${engine.name}: what was opened to write and then cannot be looked at is closed again`, async (t) => {
		const { fs } = await (await tree(t, engine)).start()
		const id = await makeFile(fs, 'x', 'old')
		const { operations } = fs.nodes.get(1) as Node
		const { open: realOpen, close: realClose } = operations
		const opened: number[] = []
		const closed: number[] = []
		operations.open = async (path, flags) => {
			const fd = await realOpen(path, flags)
			opened.push(fd)
			return fd
		}
		operations.close = (fd) => {
			closed.push(fd)
			return realClose(fd)
		}
		operations.fstat = () => fail('ETIMEDOUT')
		await assert.rejects(async () => run(open(fs, id, WRITE)), { code: 'ETIMEDOUT' })
		assert.equal(opened.length, 1)
		assert.deepEqual(closed, opened)
	})
}

for (const engine of engines) {
	test(`${engine.name}: removed while two versions of it are open: who has the older one sees it still when the other is closed`, async (t) => {
		const { start } = await tree(t, engine)
		const [a, b] = [await start(), await start()]
		const id = await makeFile(a.fs, 'x', 'old')
		const older = await run(open(a.fs, id, READ))
		await run(catchUp(b.fs))
		const writer = await run(open(b.fs, id, WRITE))
		await write(writer, 'newer')
		await close(b.fs, writer)
		await flushLater(b.fs)
		await run(catchUp(a.fs))
		const newer = await run(open(a.fs, id, READ))
		assert.notEqual(older, newer)
		await run(unlink(a.fs, at('x')))
		await run(release(a.fs, newer, false))
		assert.equal((await run(getAttributes(a.fs, id))).nlink, 0)
		await run(release(a.fs, older, false))
	})
}
