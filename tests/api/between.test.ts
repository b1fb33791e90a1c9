/**
 * Conditions and locks hold in the transaction that changes a name: what somebody else does after the door has looked, and
 * before it changes anything, counts. The change of the other is held back until the door has looked.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Value } from '../../core/catalogue/driver.ts'
import { engines } from '../catalogue/engines.ts'
import { openDoor, type TestDoor } from './door.ts'
import { until } from '../support/until.ts'
import { holdChange } from './held-change.ts'
import { filesBelow } from './left-behind.ts'

const LOOKED_MS = 20
const LOOKS = 3

type Change = (door: TestDoor, folder: string) => Array<readonly [string, readonly Value[]]>

interface Case {
	method: string
	/** All paths are of a folder of the case. */
	path: string
	/** Sent besides; `ETAG` is that of `f` before. */
	headers?: Record<string, string>
	body?: string
	between: Change
	status: number
	/** Besides what is there from the beginning. */
	appeared?: string
}

const fileIn = 'SELECT e.file_id FROM entry e JOIN entry above ON above.file_id = e.parent_id WHERE above.name = ? AND e.name = ?'
const asBytes = (...texts: string[]) => texts.map((text) => Buffer.from(text))
const written: Change = (_, folder) =>
	['UPDATE file SET version = version + 1 WHERE id', 'UPDATE replica SET version = version + 1 WHERE file_id'].map((sql) => [`${sql} = (${fileIn})`, asBytes(folder, 'f')])
const appears: Change = (_, folder) => [
	['UPDATE entry SET name = ? WHERE name = ? AND parent_id = (SELECT file_id FROM (SELECT file_id FROM entry WHERE name = ?) AS found)', asBytes('target', 'other', folder)],
]
/** As LOCK does it: the root stands for all locks there could be. */
const locked =
	(path: string): Change =>
	({ driver: { capabilities } }, folder) => [
		[`SELECT id FROM file WHERE id = 1${capabilities.forUpdate}`, []],
		[
			"INSERT INTO dav_lock (token, path, deep, exclusive, owner, holder, until_at) VALUES (?, ?, 0, 1, '', 'somebody', 4000000000)",
			[folder, Buffer.from(path === '' ? folder : `${folder}/${path}`)],
		],
	]

const TARGET = { destination: '/files/target' }
const DAV_TARGET = { destination: '/dav/target' }
const IF_MATCH = { 'if-match': 'ETAG' }
const PROPERTIES = '<propertyupdate xmlns="DAV:"><set><prop><a xmlns="u">1</a></prop></set></propertyupdate>'
const CASES: Case[] = [
	{ method: 'DELETE', path: '/files/f', headers: IF_MATCH, between: written, status: 412 },
	{ method: 'DELETE', path: '/dav/f', headers: IF_MATCH, between: written, status: 412 },
	{ method: 'DELETE', path: '/dav/f', headers: { if: '([ETAG])' }, between: written, status: 412 },
	{ method: 'DELETE', path: '/dav/f', between: locked('f'), status: 423 },
	{ method: 'DELETE', path: '/dav/d', between: locked('d/in'), status: 423 },
	{ method: 'MOVE', path: '/files/f', headers: { ...IF_MATCH, ...TARGET }, between: written, status: 412 },
	{ method: 'MOVE', path: '/files/f', headers: { overwrite: 'F', ...TARGET }, between: appears, status: 412, appeared: 'target' },
	{ method: 'MOVE', path: '/files/d', headers: TARGET, between: appears, status: 409, appeared: 'target' },
	{ method: 'MOVE', path: '/dav/f', headers: { destination: '/dav/d', ...IF_MATCH }, between: written, status: 412 },
	{ method: 'MOVE', path: '/dav/f', headers: DAV_TARGET, between: locked('target'), status: 423 },
	{ method: 'MOVE', path: '/dav/d', headers: DAV_TARGET, between: locked('d/in'), status: 423 },
	{ method: 'COPY', path: '/files/f', headers: { ...IF_MATCH, ...TARGET }, between: written, status: 412 },
	{ method: 'COPY', path: '/files/f', headers: { overwrite: 'F', ...TARGET }, between: appears, status: 412, appeared: 'target' },
	{ method: 'COPY', path: '/files/d', headers: TARGET, between: appears, status: 409, appeared: 'target' },
	{ method: 'COPY', path: '/dav/d', headers: DAV_TARGET, between: locked('target'), status: 423 },
	{ method: 'COPY', path: '/dav/f', headers: { destination: '/dav/d/in' }, between: locked('d/in'), status: 423 },
	{ method: 'MKCOL', path: '/dav/target', between: locked(''), status: 423 },
	{ method: 'PUT', path: '/dav/f', body: 'new', between: locked('f'), status: 423 },
	{ method: 'PROPPATCH', path: '/dav/f', body: PROPERTIES, between: locked('f'), status: 423 },
]

const NAMES = ['f', 'other', 'd/in']

async function prepare(door: TestDoor, folder: string): Promise<string> {
	for (const name of NAMES) await door.fetch(`/files/${folder}/${name}`, { method: 'PUT', body: name })
	return (await door.fetch(`/files/${folder}/f`, { method: 'HEAD' })).headers.get('etag') as string
}

async function namesIn(door: TestDoor, path: string): Promise<string[]> {
	const { entries } = (await (await door.fetch(path)).json()) as { entries: Array<{ name: string }> }
	return entries.map(({ name }) => name)
}

for (const engine of engines) {
	test(`${engine.name}: a second writer between the look and the change`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		for (const [index, { method, path, headers = {}, body, between, status, appeared }] of CASES.entries()) {
			await t.test(`${method} ${path} ${JSON.stringify(headers)}`, async () => {
				const folder = `case${index}`
				const below = (text: string) => text.replace(/^\/(files|dav)\//, `/$1/${folder}/`)
				const etag = await prepare(door, folder)
				const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, below(value).replace('ETAG', etag)]))
				const commit = await holdChange(door, between(door, folder))
				const answer = door.fetch(below(path), { method, headers: sent, body })
				for (let look = 0; look < LOOKS; look++) {
					await sleep(LOOKED_MS)
					await door.fetch('/files/', { method: 'GET' })
				}
				await commit()
				assert.equal((await answer).status, status)
				assert.deepEqual(await namesIn(door, `/files/${folder}`), ['d', 'f', ...(appeared === undefined ? ['other'] : [appeared])])
				assert.deepEqual(await namesIn(door, `/files/${folder}/d`), ['in'])
				assert.equal(await (await door.fetch(`/files/${folder}/f`)).text(), 'f')
				assert.equal(await (await door.fetch(`/files/${folder}/d/in`)).text(), 'd/in')
				assert.deepEqual(await door.driver.all('SELECT * FROM xattr'), [])
			})
		}
	})

	test(`${engine.name}: a directory that is moved away while it, or one it is in, is being removed is kept`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const cases = ['/files/FOLDER/d?recursive', '/dav/FOLDER/d'].flatMap((path) => ['d', 'middle'].map((moved) => ({ path, moved })))
		for (const [index, { path, moved }] of cases.entries()) {
			const folder = `away${index}`
			await prepare(door, folder)
			await door.fetch(`/files/${folder}/d/middle/deep/in`, { method: 'PUT', body: 'in' })
			const [{ id }] = await door.driver.all<{ id: number }>('SELECT file_id AS id FROM entry WHERE name = ?', asBytes(folder))
			const [{ found }] = await door.driver.all<{ found: number }>('SELECT file_id AS found FROM entry WHERE parent_id = ? AND name = ?', [id, ...asBytes('d')])
			const move = ['UPDATE entry SET parent_id = ?, name = ? WHERE name = ? AND parent_id = ?', [id, ...asBytes('kept', moved), moved === 'd' ? id : found]] as const
			// As a rename does: the directory itself is locked too.
			const lock = [`SELECT id FROM file WHERE id = (${fileIn})${door.driver.capabilities.forUpdate}`, asBytes(folder, 'd')] as const
			const commit = await holdChange(door, [lock, move])
			const answer = door.fetch(path.replace('FOLDER', folder), { method: 'DELETE' })
			for (let look = 0; look < LOOKS; look++) {
				await sleep(LOOKED_MS)
				await door.fetch('/files/')
			}
			await commit()
			assert.equal((await answer).status, 409)
			assert.deepEqual(await namesIn(door, `/files/${folder}/kept`), moved === 'd' ? ['in', 'middle'] : ['deep'])
			assert.deepEqual(await namesIn(door, `/files/${folder}/kept${moved === 'd' ? '/middle' : ''}/deep`), ['in'])
		}
	})

	test(`${engine.name}: a directory is removed in which somebody was to put something`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		for (const [index, path] of ['/files', '/dav', '/file?path='].entries()) {
			await prepare(door, `gone${index}`)
			await door.fetch(`/files/gone${index}/empty`, { method: 'MKCOL' })
			const [{ id }] = await door.driver.all<{ id: number }>('SELECT file_id AS id FROM entry WHERE name = ? AND parent_id = (SELECT file_id FROM entry WHERE name = ?)', asBytes('empty', `gone${index}`))
			const commit = await holdChange(door, ['DELETE FROM entry WHERE file_id = ?', 'DELETE FROM file WHERE id = ?'].map((sql) => [sql, [id]] as const))
			const answer = door.fetch(`${path}${path.endsWith('=') ? '' : '/'}gone${index}/empty/new`, { method: 'PUT', body: 'new' })
			for (let look = 0; look < LOOKS; look++) {
				await sleep(LOOKED_MS)
				await door.fetch('/files/')
			}
			await commit()
			assert.equal((await answer).status, 409, path)
		}
	})

	test(`${engine.name}: what was to give way is moved away before it does`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		for (const method of ['MOVE', 'COPY']) {
			const folder = method.toLowerCase()
			await prepare(door, folder)
			await door.fetch(`/files/${folder}/e/own`, { method: 'PUT', body: 'own' })
			const [{ id }] = await door.driver.all<{ id: number }>('SELECT file_id AS id FROM entry WHERE name = ?', asBytes(folder))
			const commit = await holdChange(door, [['UPDATE entry SET name = ? WHERE name = ? AND parent_id = ?', [...asBytes('kept', 'd'), id]]])
			const answer = door.fetch(`/files/${folder}/e`, { method, headers: { destination: `/files/${folder}/d` } })
			for (let look = 0; look < LOOKS; look++) {
				await sleep(LOOKED_MS)
				await door.fetch('/files/')
			}
			await commit()
			assert.equal((await answer).status, 204)
			assert.deepEqual(await namesIn(door, `/files/${folder}`), ['d', ...(method === 'COPY' ? ['e'] : []), 'f', 'kept', 'other'])
			assert.deepEqual(await Promise.all(['d', 'kept'].map((name) => namesIn(door, `/files/${folder}/${name}`))), [['own'], ['in']])
		}
	})

	test(`${engine.name}: a directory that gives way to another`, async (t) => {
		const door = await openDoor(t, { engine })
		await prepare(door, 'g')
		const move = async (from: string, to: string) => (await door.fetch(from, { method: 'MOVE', headers: { destination: to } })).status
		assert.equal(await move('/files/g/f', '/files/g/d'), 204)
		assert.equal(await (await door.fetch('/files/g/d')).text(), 'f')
		await door.fetch('/files/g/e/deep/in', { method: 'PUT', body: 'deep' })
		assert.equal(await move('/files/g/e', '/files/g/other'), 204)
		assert.equal(await (await door.fetch('/files/g/other/deep/in')).text(), 'deep')
		assert.deepEqual(await namesIn(door, '/files/g'), ['d', 'other'])
		const plain = () => [1, 2].flatMap((number) => filesBelow(door.node(number))).filter((each) => !each.startsWith('/.cairn/')).sort()
		await until('the nodes have it so too', () => plain().join() === '/g/d 1,/g/other/deep/in 4' || undefined)
	})
}
