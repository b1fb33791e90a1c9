/** Uploads that go on: after a pause, at another door, after a door was ended in the middle. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { engines } from '../catalogue/engines.ts'
import { until } from '../support/until.ts'
import { openDoor, type TestDoor } from './door.ts'
import { holdChange } from './held-change.ts'

const CONTENT = randomBytes(1_500_000)
const LOOKED_MS = 20
const LOOKS = 3
const SWEEP_MS = 600_000
const TUS = { 'tus-resumable': '1.0.0' }
const PART = { ...TUS, 'content-type': 'application/offset+octet-stream' }

const metadata = (path: string) => ({ 'upload-metadata': `path ${Buffer.from(path).toString('base64')},other` })
const begin = (door: TestDoor, path: string, length: number, headers: Record<string, string> = {}) =>
	door.fetch('/uploads', { method: 'POST', headers: { ...TUS, ...metadata(path), 'upload-length': String(length), ...headers } })
const patch = (door: TestDoor, at: string, offset: number, body: Buffer, headers: Record<string, string> = {}) =>
	door.fetch(at, { method: 'PATCH', body: new Uint8Array(body), headers: { ...PART, 'upload-offset': String(offset), ...headers } })
const offsetOf = async (door: TestDoor, at: string) => (await door.fetch(at, { method: 'HEAD', headers: TUS })).headers.get('upload-offset')

function kept(door: TestDoor): string[] {
	const folder = door.node(1, '.cairn/uploads/kept')
	return existsSync(folder) ? readdirSync(folder) : []
}

for (const engine of engines) {
	test(`${engine.name}: an upload in parts`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const options = await door.fetch('/uploads', { method: 'OPTIONS' })
		assert.deepEqual([options.status, options.headers.get('tus-version')], [204, '1.0.0'])
		assert.equal(options.headers.get('tus-extension'), 'creation,creation-with-upload,creation-defer-length,checksum,concatenation,expiration,termination')
		assert.equal(options.headers.get('tus-checksum-algorithm'), 'sha1,sha256,md5')
		const begun = await begin(door, 'new/dir/f', CONTENT.length)
		assert.equal(begun.status, 201)
		const at = begun.headers.get('location') as string
		assert.equal(await offsetOf(door, at), '0')
		assert.equal((await patch(door, at, 0, CONTENT.subarray(0, 500_000))).headers.get('upload-offset'), '500000')
		assert.equal((await patch(door, at, 1, CONTENT)).status, 409)
		assert.equal((await patch(door, at, 500_000, randomBytes(2_000_000))).status, 413)
		const checksum = (of: Buffer) => ({ 'upload-checksum': `sha1 ${createHash('sha1').update(of).digest('base64')}` })
		const second = CONTENT.subarray(500_000, 900_000)
		assert.equal((await patch(door, at, 500_000, second, checksum(CONTENT))).status, 460)
		assert.equal((await patch(door, at, 500_000, second, { 'upload-checksum': 'crc32 x' })).status, 400)
		assert.equal((await patch(door, at, 500_000, second, checksum(second))).status, 204)
		assert.equal((await door.fetch('/files/new/dir/f')).status, 404)
		assert.equal(await offsetOf(door, at), '900000')
		assert.equal((await patch(door, at, 900_000, CONTENT.subarray(900_000))).status, 204)
		assert.deepEqual(readFileSync(door.node(1, 'new/dir/f')), CONTENT)
		assert.equal(await offsetOf(door, at), String(CONTENT.length), 'whoever did not hear that it is over is told')
		assert.equal((await patch(door, at, CONTENT.length, Buffer.alloc(0))).status, 204)
		assert.equal((await patch(door, at, CONTENT.length, Buffer.from('more'))).status, 413, 'nothing of that is stored')
		assert.equal((await patch(door, at, 0, CONTENT)).status, 409)
		assert.deepEqual(kept(door), [])
		await door.driver.change('UPDATE upload SET expires_at = 1')
		assert.equal((await door.fetch(at, { method: 'HEAD', headers: TUS })).status, 410)

		assert.equal((await begin(door, 'whole', 5, { 'content-type': PART['content-type'] })).status, 201, 'without a body it waits for one')
		assert.equal((await door.fetch('/uploads/', { method: 'POST', headers: { ...TUS, ...metadata('slash'), 'upload-length': '5' } })).status, 201, 'a client may know it by a slash at its end')
		const empty = await begin(door, 'empty', 0)
		assert.deepEqual([empty.status, (await door.fetch('/files/empty')).status], [201, 200])
	})

	test(`${engine.name}: parts that are sent side by side become one file`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const pieces = [CONTENT.subarray(0, 700_000), CONTENT.subarray(700_000, 700_001), CONTENT.subarray(700_001)]
		const part = async (piece: Buffer, headers: Record<string, string> = {}) => {
			const said = { ...TUS, 'upload-concat': 'partial', 'upload-length': String(piece.length), ...headers }
			return (await door.fetch('/uploads', { method: 'POST', headers: said })).headers.get('location') as string
		}
		const join = (parts: string[], headers: Record<string, string> = {}) =>
			door.fetch('/uploads', { method: 'POST', headers: { ...TUS, ...metadata('joined/f'), 'upload-concat': `final;${parts.join(' ')}`, ...headers } })
		const parts = await Promise.all(pieces.map(async (piece) => {
			const at = await part(piece)
			assert.equal((await patch(door, at, 0, piece)).status, 204)
			return at
		}))
		const partial = await door.fetch(parts[0], { method: 'HEAD', headers: TUS })
		assert.deepEqual([partial.headers.get('upload-concat'), partial.headers.get('upload-offset')], ['partial', '700000'])
		const unfinished = await part(pieces[0])
		const whole = (await begin(door, 'whole', 5)).headers.get('location') as string
		const wrong: Array<[string[], Record<string, string>]> = [[[parts[0], unfinished], {}], [[parts[0], whole], {}], [['/files/x'], {}], [[], {}], [parts, { 'upload-length': '1500000' }], [parts, { 'upload-concat': 'finally' }]]
		for (const [list, headers] of wrong) assert.equal((await join(list, headers)).status, 400, JSON.stringify([list, headers]))
		assert.equal((await join(['/uploads/none'])).status, 404)
		assert.equal((await door.fetch('/files/joined/f')).status, 404)
		assert.equal(kept(door).length, pieces.length + 2)

		const joined = await join([`${door.url}${parts[0]}`, parts[1], parts[2]])
		assert.equal(joined.status, 201)
		assert.deepEqual(readFileSync(door.node(1, 'joined/f')), CONTENT)
		const etag = `"${createHash('sha256').update(CONTENT).digest('hex')}"`
		assert.equal((await door.fetch('/files/joined/f', { method: 'HEAD' })).headers.get('etag'), etag)
		const final = joined.headers.get('location') as string
		const told = await door.fetch(final, { method: 'HEAD', headers: TUS })
		assert.deepEqual(['upload-offset', 'upload-length'].map((name) => told.headers.get(name)), [String(CONTENT.length), String(CONTENT.length)])
		assert.match(told.headers.get('upload-concat') ?? '', /^final;http/)
		assert.equal((await patch(door, final, CONTENT.length, Buffer.alloc(0))).status, 403)
		await until('the parts are gone', () => kept(door).length === 2 || undefined)
	})

	test(`${engine.name}: of what has come and is not the file yet nobody hears that it is complete`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const ask = (at: string) => door.fetch(at, { method: 'HEAD', headers: TUS })
		const at = (await begin(door, 'd/f', 5)).headers.get('location') as string
		assert.equal((await door.fetch('/files/d/f', { method: 'MKCOL' })).status, 201)
		assert.equal((await patch(door, at, 0, Buffer.from('bytes'))).status, 409)
		assert.equal((await ask(at)).status, 409, 'the name is not to be had')
		assert.equal((await door.fetch('/files/d/f', { method: 'DELETE' })).status, 204)
		assert.equal((await ask(at)).headers.get('upload-offset'), '5')
		assert.equal(await (await door.fetch('/files/d/f')).text(), 'bytes')

		// A door was killed before it gave the name.
		const other = (await begin(door, 'd/g', 5)).headers.get('location') as string
		const id = other.slice('/uploads/'.length)
		writeFileSync(door.node(1, `.cairn/uploads/kept/${id}`), 'other')
		await door.second()
		await door.driver.change('INSERT INTO lease (name, client_id, token, until_at) SELECT ?, MAX(id), 1, 9999999999 FROM client', [`upload:${id}`])
		assert.equal((await ask(other)).status, 423, 'another door may be giving it')
		await door.driver.change('DELETE FROM lease WHERE name = ?', [`upload:${id}`])
		assert.equal((await ask(other)).headers.get('upload-offset'), '5')
		assert.equal(await (await door.fetch('/files/d/g')).text(), 'other')
	})

	test(`${engine.name}: a directory that was removed since an upload to it was begun is made once more`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const at = (await begin(door, 'd/e/f', 5)).headers.get('location') as string
		assert.equal((await patch(door, at, 0, Buffer.from('by'))).status, 204)
		assert.equal((await door.fetch('/files/d?recursive', { method: 'DELETE' })).status, 204)
		assert.equal((await patch(door, at, 2, Buffer.from('tes'))).status, 204)
		assert.equal(await (await door.fetch('/files/d/e/f')).text(), 'bytes')
	})

	test(`${engine.name}: what is sent goes on from where the upload is when its turn comes`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const begun = (path: string) => door.fetch('/uploads', { method: 'POST', headers: { ...TUS, ...metadata(path), 'upload-defer-length': '1' } }).then(({ headers }) => headers.get('location') as string)
		const sent = async (at: string, then: string, body: Buffer) => {
			const id = at.slice('/uploads/'.length)
			// Whoever goes on with an upload has a lease, and the row of that is what the next one waits for.
			const commit = await holdChange(door, [
				['INSERT INTO lease (name, client_id, token, until_at) VALUES (?, 0, 1, 1)', [`upload:${id}`]],
				[`UPDATE upload SET ${then} WHERE id = ?`, [id]],
			])
			const answer = patch(door, at, 0, body)
			for (let look = 0; look < LOOKS; look++) {
				await sleep(LOOKED_MS)
				await door.fetch('/files/')
			}
			await commit()
			return (await answer).status
		}
		const at = await begun('length')
		assert.equal(await sent(at, 'length = 5', Buffer.from('bytes')), 204)
		assert.equal(await (await door.fetch('/files/length')).text(), 'bytes', 'somebody said meanwhile how long it is')
		assert.equal((await door.fetch(at, { method: 'HEAD', headers: TUS })).headers.get('upload-length'), '5')
		assert.equal(await sent(await begun('over'), 'node_id = 0, length = 5', Buffer.from('bytes')), 409, 'somebody made it the file meanwhile')
	})

	test(`${engine.name}: whoever has heard that a part came may send the next`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		// Letting go of an upload takes as long as the catalogue likes.
		if (!door.driver.capabilities.synchronous) await door.driver.change('CREATE TRIGGER slow BEFORE DELETE ON lease FOR EACH ROW SET @slept = SLEEP(0.2)', [])
		const at = (await begin(door, 'f', 5)).headers.get('location') as string
		for (const [offset, letter] of [...'bytes'].entries()) assert.equal((await patch(door, at, offset, Buffer.from(letter))).status, 204)
		assert.equal(await (await door.fetch('/files/f')).text(), 'bytes')
	})

	test(`${engine.name}: what goes on at one door is not given up at another, and of what is nothing stays`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		t.mock.timers.enable({ apis: ['setInterval'] })
		await door.second()
		const place = async (path: string) => ((await begin(door, path, 5)).headers.get('location') as string).slice('/uploads/'.length)
		const [going, left] = [await place('going'), await place('left')]
		const hold = (id: string, holder: string) => door.driver.change(`INSERT INTO lease (name, client_id, token, until_at) SELECT ?, ${holder}, 1, 9999999999 FROM client`, [`upload:${id}`])
		await hold(going, 'MIN(id)')
		// A door was killed in the middle of the other.
		await hold(left, '999999 + 0 * MIN(id)')
		await door.driver.change('UPDATE upload SET expires_at = CASE WHEN id = ? THEN 1 ELSE 2 END', [going])
		t.mock.timers.tick(SWEEP_MS)
		// What was begun without them is ended without them.
		t.mock.timers.reset()
		await until('the other is given up', async () => (await door.driver.all('SELECT id FROM upload WHERE id = ?', [left])).length === 0 || undefined)
		await until('its file is gone', () => !kept(door).includes(left) || undefined)
		assert.deepEqual([kept(door), await door.driver.all('SELECT id FROM upload')], [[going], [{ id: going }]])
		await until('nobody has it any more', async () => (await door.driver.all("SELECT name FROM lease WHERE name LIKE 'upload:%'")).length === 1 || undefined)
	})

	test(`${engine.name}: however many were begun and left, all are given up when their time is over`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		t.mock.timers.enable({ apis: ['setInterval'] })
		await door.second()
		for (let number = 0; number < 130; number++) await begin(door, `f${number}`, 5)
		await door.driver.change('UPDATE upload SET expires_at = 1')
		t.mock.timers.tick(SWEEP_MS)
		t.mock.timers.reset()
		await until('none is left', async () => (await door.driver.all('SELECT id FROM upload')).length === 0 || undefined)
		await until('nor its file', () => kept(door).length === 0 || undefined)
	})

	test(`${engine.name}: an upload in one request, and by a client that knows only POST`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const body = new Uint8Array(CONTENT.subarray(0, 100))
		const etag = `"${createHash('sha256').update(body).digest('hex')}"`
		const whole = await door.fetch('/uploads', { method: 'POST', body, headers: { ...PART, ...metadata('one'), 'upload-length': '100' } })
		assert.deepEqual([whole.status, whole.headers.get('upload-offset')], [201, '100'])
		assert.equal((await door.fetch('/files/one', { method: 'HEAD' })).headers.get('etag'), etag)
		const at = (await begin(door, 'two', 100)).headers.get('location') as string
		const overridden = (headers: Record<string, string>) => door.fetch(at, { method: 'POST', body, headers: { ...PART, 'upload-offset': '0', ...headers } })
		assert.equal((await overridden({})).status, 405)
		assert.equal((await overridden({ 'x-http-method-override': 'PATCH' })).status, 204)
		assert.equal((await door.fetch('/files/two', { method: 'HEAD' })).headers.get('content-length'), '100')
	})

	test(`${engine.name}: what is given up is gone, and what is wrong is refused`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const at = (await begin(door, 'f', 10)).headers.get('location') as string
		assert.equal((await door.fetch(at, { method: 'DELETE', headers: TUS })).status, 204)
		assert.equal((await door.fetch(at, { method: 'HEAD', headers: TUS })).status, 404)
		assert.deepEqual(kept(door), [])
		const late = (await begin(door, 'f', 10)).headers.get('location') as string
		await door.driver.change('UPDATE upload SET expires_at = 1')
		assert.equal((await door.fetch(late, { method: 'HEAD', headers: TUS })).status, 410)
		for (const [headers, status] of [
			[{ ...TUS, ...metadata('f') }, 400],
			[{ ...TUS, 'upload-length': '5' }, 400],
			[{ ...metadata('f'), 'upload-length': '5' }, 412],
			[{ ...TUS, ...metadata('../f'), 'upload-length': '5' }, 400],
			[{ ...TUS, 'upload-metadata': 'path !!!', 'upload-length': '5' }, 400],
			[{ ...TUS, ...metadata('.cairn/f'), 'upload-length': '5' }, 403],
			[{ ...TUS, ...metadata('f'), 'upload-length': '-5' }, 400],
		] as Array<[Record<string, string>, number]>) assert.equal((await door.fetch('/uploads', { method: 'POST', headers })).status, status, JSON.stringify(headers))
		assert.equal((await door.fetch('/files/f')).status, 404)
	})
}

test('the conditions an upload was begun with hold until it has its name', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const put = (path: string, body: string) => door.fetch(path, { method: 'PUT', body })
	const textOf = async (path: string) => (await door.fetch(path)).text()
	const tag = (await put('/files/f', 'old')).headers.get('etag') as string
	for (const [condition, value] of [['if-none-match', '*'], ['if-match', '"another"'], ['if-unmodified-since', 'Thu, 01 Jan 1970 00:00:00 GMT']]) {
		assert.equal((await begin(door, 'f', 3, { [condition]: value })).status, 412, condition)
	}
	assert.equal((await begin(door, 'no/dir/f', 3, { 'if-match': '*' })).status, 412)
	assert.equal((await door.fetch('/files/no/')).status, 404)

	const taken = (await begin(door, 'g', 3, { 'if-none-match': '*' })).headers.get('location') as string
	await put('/files/g', 'another’s')
	assert.equal((await patch(door, taken, 0, Buffer.from('new'))).status, 412)
	assert.equal((await door.fetch(taken, { method: 'HEAD', headers: TUS })).status, 412, 'asked for again it is no other')
	assert.equal(await textOf('/files/g'), 'another’s')

	const part = (await begin(door, 'part', 3, { ...PART, 'upload-concat': 'partial', 'content-length': '0' })).headers.get('location') as string
	assert.equal((await patch(door, part, 0, Buffer.from('new'))).status, 204)
	const joined = (condition: Record<string, string>) => door.fetch('/uploads', { method: 'POST', headers: { ...TUS, ...metadata('f'), 'upload-concat': `final;${part}`, ...condition } })
	assert.equal((await joined({ 'if-none-match': '*' })).status, 412)
	assert.equal(await textOf('/files/f'), 'old')
	assert.equal((await joined({ 'if-match': tag })).status, 201)
	assert.equal(await textOf('/files/f'), 'new')
})
