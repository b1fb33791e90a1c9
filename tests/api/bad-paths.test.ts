/** Paths that lead elsewhere, are no paths, or lead to something else than a file: in every dialect, with its status and in its shape. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { ANYBODY, ask, dialects, type Sent } from './dialects.ts'
import { openDoor, type TestDoor } from './door.ts'
import { standing } from './left-behind.ts'

const LONG = 'n'.repeat(256)
/** Longer than any path, and short enough for the head of a request. */
const ENDLESS = 'd/'.repeat(8_500)

interface Case {
	what: string
	/** As it stands in an address. */
	path: string
	/** Status of reading and writing in files, dav, sfss, hercules: names are bytes for the first two and text for the others. */
	read: [number, number, number, number]
	write: [number, number, number, number]
}

const all = (status: number): [number, number, number, number] => [status, status, status, status]
const REFUSED = { read: all(400), write: all(400) }
const CASES: Case[] = [
	{ what: 'up', path: '..', ...REFUSED },
	{ what: 'up and down', path: 'dir/../dir/file', ...REFUSED },
	{ what: 'up, written otherwise', path: '%2e%2e/x', ...REFUSED },
	{ what: 'up, with a slash written otherwise', path: 'dir%2f..%2f..%2fx', ...REFUSED },
	{ what: 'NUL', path: 'dir/a%00b', ...REFUSED },
	{ what: 'half an escape', path: 'dir/%f', ...REFUSED },
	{ what: 'no escape', path: 'dir/%zz', ...REFUSED },
	{ what: 'a name of 256 bytes', path: `dir/${LONG}`, ...REFUSED },
	{ what: 'a path of 17,000 bytes', path: `${ENDLESS}f`, ...REFUSED },
	{ what: 'what is not part of the tree', path: '.cairn/node.json', read: all(403), write: all(403) },
	// A name in /files and /dav: asked for only, since it may be written there.
	{ what: 'bytes that are no UTF-8', path: 'dir/%ff%fe', read: [404, 404, 400, 400], write: [201, 201, 400, 400] },
	{ what: 'an overlong form of a slash', path: 'dir%c0%af..%c0%afx', read: [404, 404, 400, 400], write: [201, 201, 400, 400] },
	{ what: 'through a file', path: 'dir/file/below', read: all(404), write: [409, 409, 404, 404] },
	{ what: 'a file with a slash', path: 'dir/file/', read: [200, 200, 400, 200], write: [409, 405, 400, 200] },
	{ what: 'a directory', path: 'dir', read: [200, 405, 404, 409], write: [409, 405, 409, 409] },
	{ what: 'nothing', path: 'none', read: all(404), write: [201, 201, 200, 404] },
]

async function check(door: TestDoor, index: number, sent: Sent, status: number): Promise<void> {
	const answer = await ask(door, sent)
	assert.equal(answer.status, status, `${sent.method} ${sent.target.slice(0, 80)}: ${answer.body}`)
	assert.equal(answer.headers.allow !== undefined, status === 405, `${sent.method} ${sent.target}: what else it takes`)
	if (status >= 400) assert.ok(dialects[index].reason(answer), `${sent.method} ${sent.target.slice(0, 80)}: ${answer.body}`)
}

const BYTE_NAMES = 2
const prefixes = ['/files/', '/dav/', '/file?path=', '/api/v1/read?path=']
const writes = [
	['PUT', '/files/'],
	['PUT', '/dav/'],
	['PUT', '/file?path='],
	['POST', '/api/v1/write?path='],
] as const

test('paths that are none, lead elsewhere, or not to a file', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	await ask(door, { method: 'PUT', target: '/files/dir/file', body: 'x' })
	const before = await standing(door)
	for (const { what, path, read, write } of CASES) {
		await t.test(what, async () => {
			for (const [index, status] of read.entries()) await check(door, index, { method: 'GET', target: prefixes[index] + path }, status)
			for (const [index, status] of write.entries()) {
				const [method, prefix] = writes[index]
				if (status < 300) continue
				await check(door, index, { method, target: prefix + path, body: 'x' }, status)
			}
			assert.deepEqual(await standing(door), before)
		})
	}
	for (const { path, write } of CASES.filter(({ write }) => write[0] === 201)) {
		for (const [index, status] of write.entries()) if (status < 300) await check(door, index, { method: writes[index][0], target: `${writes[index][1]}${index < BYTE_NAMES ? `${index}/` : ''}${path}`, body: 'x' }, index === 1 ? 409 : status)
	}
})

/** Paths in headers and bodies, and other things that are done to a name. */
const OTHERS: Array<[index: number, sent: Sent, status: number]> = [
	...['..', '../x', 'dir/../../x', '.cairn/x', `dir/${LONG}`, 'a\0b'].flatMap((path): Array<[number, Sent, number]> => {
		const status = path.startsWith('.cairn') ? 403 : 400
		const body = JSON.stringify({ path })
		const destination = encodeURI(path)
		return [
			[0, { method: 'POST', target: '/uploads', headers: { 'tus-resumable': '1.0.0', 'upload-length': '1', 'upload-metadata': `path ${Buffer.from(path).toString('base64')}` } }, status],
			[0, { method: 'MOVE', target: '/files/dir/file', headers: { destination: `/files/${destination}` } }, status],
			[0, { method: 'MKCOL', target: `/files/${destination}` }, status],
			[0, { method: 'DELETE', target: `/files/${destination}` }, status],
			[1, { method: 'COPY', target: '/dav/dir/file', headers: { destination: `/dav/${destination}` } }, status],
			[1, { method: 'MKCOL', target: `/dav/${destination}` }, status],
			[1, { method: 'DELETE', target: `/dav/${destination}` }, status],
			[1, { method: 'PROPFIND', target: `/dav/${destination}`, headers: { depth: '0' } }, status],
			[1, { method: 'LOCK', target: `/dav/${destination}`, body: '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>' }, status],
			[2, { method: 'POST', target: `/files?path=${destination}`, body: 'x' }, status],
			[2, { method: 'DELETE', target: `/file?path=${destination}` }, status],
			[3, { method: 'POST', target: '/api/v1/mkdir', body }, status],
			[3, { method: 'POST', target: '/api/v1/create', body }, status],
			[3, { method: 'DELETE', target: '/api/v1/delete', body }, status],
			[3, { method: 'POST', target: '/api/v1/rename', body: JSON.stringify({ source: 'dir/file', target: path }) }, status],
			[3, { method: 'GET', target: `/api/v1/list?path=${destination}` }, status],
		]
	}),
	...['dir/file/below', 'none/below'].flatMap((path): Array<[number, Sent, number]> => [
		[0, { method: 'MKCOL', target: `/files/${path}` }, 409],
		[0, { method: 'MOVE', target: '/files/dir/file', headers: { destination: `/files/${path}` } }, 409],
		[0, { method: 'COPY', target: '/files/dir/file', headers: { destination: `/files/${path}` } }, 409],
		[1, { method: 'MKCOL', target: `/dav/${path}` }, 409],
	]),
	...['dir/file/below', 'new/'].map((path): [number, Sent, number] => [
		0,
		{ method: 'POST', target: '/uploads', headers: { 'tus-resumable': '1.0.0', 'upload-length': '1', 'upload-metadata': `path ${Buffer.from(path).toString('base64')}` } },
		409,
	]),
	[1, { method: 'PUT', target: '/dav/new/', body: 'x' }, 405],
	[3, { method: 'POST', target: '/api/v1/create', body: Buffer.from('{"path":"\xff"}', 'latin1') }, 400],
	[3, { method: 'POST', target: '/api/v1/create', body: '{"path":"\\ud800"}' }, 400],
	[4, { method: 'GET', target: '/3,' }, 400],
	[4, { method: 'GET', target: '/3,01637037d6%00' }, 400],
	// No address of any dialect.
	[0, { method: 'PUT', target: '/3,..%2f..%2fx', body: 'x' }, 404],
	[4, { method: 'PUT', target: `/3,01${'0'.repeat(300)}`, body: 'x' }, 400],
	[4, { method: 'PUT', target: '/3,01637037d6', body: 'x' }, 404],
	[4, { method: 'GET', target: '/3/01637037d6/..' }, 404],
	[4, { method: 'DELETE', target: '/99999999999,01637037d6' }, 400],
	[4, { method: 'GET', target: '/dir/assign?collection=..' }, 406],
	[4, { method: 'GET', target: '/dir/assign?collection=a%00b' }, 406],
	[4, { method: 'GET', target: '/dir/lookup?volumeId=..' }, 400],
]

test('paths in headers, in bodies, in ids, and what else is done to a name', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	await ask(door, { method: 'PUT', target: '/files/dir/file', body: 'x' })
	const before = await standing(door)
	for (const [index, sent, status] of OTHERS) await check(door, index, sent, status)
	assert.deepEqual(await standing(door), before)
})

test('the part of an address that says the dialect may be written %xx as well', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const asked: Array<[method: string, target: string, status: number]> = [
		['PUT', '/%66iles/a', 201],
		['GET', '/f%69les/a', 200],
		['PUT', '/d%61v/b', 201],
		['PROPFIND', '/%64av', 207],
		['GET', '/%64%61%76/b', 200],
		['GET', '/tr%65e/b', 200],
	]
	for (const [method, target, status] of asked) assert.equal((await ask(door, { method, target, headers: { depth: '0' }, body: method === 'PUT' ? 'x' : '' })).status, status, `${method} ${target}`)
	const { entries } = JSON.parse((await ask(door, { method: 'GET', target: '/files/' })).body.toString()) as { entries: Array<{ name: string }> }
	assert.deepEqual(entries.map(({ name }) => name), ['a', 'b'])
})

test('a dot between slashes is nothing of an address', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const status = async (method: string, target: string, headers: Record<string, string> = {}) => (await ask(door, { method, target, headers, body: method === 'PUT' ? 'x' : '' })).status
	assert.equal(await status('PUT', '/files/./d/././%2E/12:30'), 201)
	assert.deepEqual(readdirSync(door.node(1, 'd')), ['12:30'])
	for (const target of ['/files/d/12:30', '/dav/./d/12:30', '/files/d/./12:30?dl', '/files/d/.', '/files/.']) assert.equal(await status('GET', target), 200, target)
	assert.equal(await status('MOVE', '/dav/d/./12:30', { destination: `${door.url}/dav/./.a.` }), 201)
	assert.equal(await status('GET', '/files/.a.'), 200, 'a name may begin and end with one')
	for (const target of ['/files/d/..', '/files/./../d', '/files/.%2F..']) assert.equal(await status('GET', target), 400, target)
})

test('directories above a name: as many as a mount reaches, while others are served', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const put = (target: string) => ask(door, { method: 'PUT', target, body: 'x' })
	const before = await standing(door)
	for (const [index, target] of [[0, `/files/${'d/'.repeat(2_047)}ff`], [2, `/file?path=${'d/'.repeat(2_047)}ff`]] as const) await check(door, index, { method: 'PUT', target, body: 'x' }, 400)
	assert.deepEqual(await standing(door), before)
	const answered: string[] = []
	const deep = put(`/files/${'d/'.repeat(300)}f`).then(({ status }) => answered.push(`deep ${status}`))
	const other = (await ask(door, { method: 'GET', target: '/health' })).status
	answered.push(`other ${other}`)
	await deep
	assert.deepEqual(answered, ['other 200', 'deep 201'])
	const more = await Promise.all(['x', 'y', 'x/z'].map((name) => put(`/files/${'d/'.repeat(300)}${'e/'.repeat(20)}${name}${name === 'x' ? 'x' : ''}`)))
	assert.deepEqual(more.map(({ status }) => status), [201, 201, 201], 'several make the same')
})

test('others are served between two of the directories above each other that are removed', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const deep = `/files/${'d/'.repeat(200)}`
	assert.equal((await ask(door, { method: 'PUT', target: `${deep}f`, body: 'x' })).status, 201)
	let isOver = false
	const removing = ask(door, { method: 'DELETE', target: '/files/d?recursive' }).finally(() => (isOver = true))
	const isThere = async (target: string) => (await ask(door, { method: 'GET', target })).status === 200
	let isSeen = false
	while (!isOver) if (!(await isThere(`/files/${'d/'.repeat(100)}`)) && (await isThere('/files/d/'))) isSeen = true
	assert.equal((await removing).status, 204)
	assert.ok(isSeen, 'somebody saw some of it gone')
})

test('what no dialect has, at an address that speaks one', async (t) => {
	const parts = ['files', 'dav', 'sfss', 'hercules', 'objects'] as const
	const door = await openDoor(t, { nodes: 1, listen: parts.map((part) => ({ at: '127.0.0.1:0', parts: [part], anybody: 'write' })) })
	for (const [index, url] of door.addresses.entries()) {
		for (const method of ['GET', 'POST']) {
			const answer = await ask({ url }, { method, target: '/nothing/of/that/kind' })
			assert.equal(answer.status, 404)
			assert.ok(dialects[index].reason(answer), `${parts[index]}: ${answer.body}`)
		}
	}
})
