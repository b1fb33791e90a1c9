/** `Expect: 100-continue`: what the head of a request is enough to refuse is refused at once, in every dialect, and nobody is told to send a body. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { truncateSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ANYBODY } from './dialects.ts'
import { openDoor, type TestDoor } from './door.ts'
import { knownToken } from './known-token.ts'
import { standing } from './left-behind.ts'

const LIMIT_BYTES = 1_500_000
const HERCULES_BYTES_MAX = 16 * 1024 * 1024
const BYTES = 1_000_000
const LIMITS = { sfssBytesMax: LIMIT_BYTES, objectBytesMax: LIMIT_BYTES }
const FORM = 'content-type: multipart/form-data; boundary=b'
const TUS = ['tus-resumable: 1.0.0', 'content-type: application/offset+octet-stream']

interface Asked {
	line: string
	headers?: string[]
	bytes?: number
}

/** The first status that comes back when no body is sent. */
function heard({ url }: Pick<TestDoor, 'url'>, { line, headers = [], bytes = BYTES }: Asked, token?: string): Promise<number> {
	const { hostname, port } = new URL(url)
	const own = token === undefined ? headers : [`authorization: Bearer ${token}`, ...headers]
	const socket = connect(Number(port), hostname)
	socket.write(`${line} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ${bytes}\r\n${own.map((header) => `${header}\r\n`).join('')}\r\n`)
	return new Promise((resolve, reject) => {
		socket.on('error', reject).once('data', (answer) => {
			socket.destroy()
			resolve(Number(/^HTTP\/1\.1 (\d+) /.exec(answer.toString('latin1'))?.[1]))
		})
	})
}

async function ground(door: TestDoor) {
	await door.fetch('/files/there', { method: 'PUT', body: 'x' })
	for (const name of ['dir', 'own']) await door.fetch(`/files/${name}`, { method: 'MKCOL' })
	const { fid } = (await (await door.fetch('/dir/assign')).json()) as { fid: string }
	const lock = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
	await door.fetch('/dav/locked', { method: 'LOCK', body: lock })
	const begun = await fetch(`${door.url}/uploads`, { method: 'POST', headers: { 'tus-resumable': '1.0.0', 'upload-length': String(BYTES), 'upload-metadata': `path ${Buffer.from('tus').toString('base64')}` } })
	return { fid, upload: begun.headers.get('location') as string }
}

test('what the head alone refuses is answered without a word to go on', async (t) => {
	const door = await openDoor(t, { nodes: 1, api: LIMITS, listen: ANYBODY })
	const { fid, upload } = await ground(door)
	const cookie = fid.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
	const before = await standing(door)
	const cases: Array<[status: number, Asked]> = [
		[412, { line: 'PUT /files/there', headers: ['if-none-match: *'] }],
		[412, { line: 'PUT /files/missing', headers: ['if-match: *'] }],
		[412, { line: 'PUT /files/there', headers: ['if-match: "other"'] }],
		[412, { line: 'PUT /files/new/dir/f', headers: ['if-match: *'] }],
		[415, { line: 'PUT /files/new/dir/f', headers: ['content-encoding: gzip'] }],
		[409, { line: 'PUT /files/dir' }],
		[409, { line: 'PUT /files/slash/' }],
		[409, { line: 'PUT /files/there/below' }],
		[400, { line: `PUT /files/${'n'.repeat(256)}` }],
		[400, { line: 'PUT /files/f', headers: ['content-range: bytes 0-9/20'] }],
		[400, { line: 'PUT /files/f', headers: ['content-md5: short'] }],
		[507, { line: 'PUT /files/f', bytes: 10 ** 15 }],
		[415, { line: 'POST /files/dir' }],
		[404, { line: 'POST /files/missing', headers: [FORM] }],
		[404, { line: 'DELETE /files/missing' }],
		[405, { line: 'PATCH /files/there' }],
		[412, { line: 'PUT /dav/there', headers: ['if-none-match: *'] }],
		[412, { line: 'PUT /dav/missing', headers: ['if-match: *'] }],
		[405, { line: 'PUT /dav/dir' }],
		[409, { line: 'PUT /dav/missing/f' }],
		[423, { line: 'PUT /dav/locked' }],
		[413, { line: 'PROPFIND /dav/dir', bytes: 2_000_000 }],
		[412, { line: 'PUT /file?path=new/dir/f', headers: ['if-match: *'] }],
		[400, { line: 'PUT /file?path=new/dir/f', headers: ['content-range: bytes 0-9/20'] }],
		[413, { line: 'PUT /file?path=f', bytes: LIMIT_BYTES + 1 }],
		[413, { line: 'POST /files?path=f', bytes: LIMIT_BYTES + 100_000, headers: [FORM] }],
		[400, { line: 'PUT /file?path=/f' }],
		[409, { line: 'PUT /file?path=dir' }],
		[413, { line: `PUT /${fid}`, bytes: LIMIT_BYTES + 1 }],
		[413, { line: `POST /${fid}`, bytes: LIMIT_BYTES + 100_000, headers: [FORM] }],
		[413, { line: `PUT /${fid}`, bytes: LIMIT_BYTES + 100_000, headers: ['content-encoding: gzip'] }],
		[415, { line: `PUT /${fid}`, headers: ['content-encoding: br'] }],
		[400, { line: `PUT /${cookie}` }],
		[404, { line: 'PUT /1,ffffff00000000' }],
		[400, { line: `PUT /${fid}?ttl=soon` }],
		[501, { line: `PUT /${fid}?cm=true` }],
		[413, { line: 'POST /submit', bytes: LIMIT_BYTES + 100_000, headers: [FORM] }],
		[406, { line: 'POST /submit?replication=222' }],
		[413, { line: 'POST /api/v1/write?path=there', bytes: HERCULES_BYTES_MAX + 1 }],
		[413, { line: 'POST /api/v1/append?path=there', bytes: HERCULES_BYTES_MAX + 1 }],
		[404, { line: 'POST /api/v1/append?path=missing' }],
		[409, { line: 'POST /api/v1/write?path=dir' }],
		[413, { line: 'POST /api/v1/mkdir', bytes: 2_000_000 }],
		[409, { line: `PATCH ${upload}`, headers: [...TUS, 'upload-offset: 5'] }],
		[413, { line: `PATCH ${upload}`, headers: [...TUS, 'upload-offset: 0'], bytes: BYTES + 1 }],
		[415, { line: `PATCH ${upload}`, headers: ['tus-resumable: 1.0.0', 'upload-offset: 0'] }],
		[412, { line: `PATCH ${upload}`, headers: ['upload-offset: 0'] }],
		[404, { line: 'PATCH /uploads/missing', headers: [...TUS, 'upload-offset: 0'] }],
	]
	for (const [status, asked] of cases) assert.equal(await heard(door, asked), status, `${asked.line} ${asked.headers ?? ''}`)
	assert.deepEqual(await standing(door), before)
	assert.deepEqual(door.reports, [])
})

const writesOf = (fid: string, upload: string): Asked[] => [
	{ line: 'PUT /files/own/f' },
	{ line: 'POST /files/own', headers: [FORM] },
	{ line: 'PUT /dav/own/f' },
	{ line: 'PUT /file?path=own/f' },
	{ line: 'POST /files?path=own/f', headers: [FORM] },
	{ line: `PUT /${fid}` },
	{ line: `POST /${fid}`, headers: [FORM] },
	{ line: 'POST /submit', headers: [FORM] },
	{ line: 'POST /api/v1/write?path=there' },
	{ line: 'POST /api/v1/append?path=there' },
	{ line: `PATCH ${upload}`, headers: [...TUS, 'upload-offset: 0'] },
]

test('who may not write hears that, and who may is told to go on', async (t) => {
	const door = await openDoor(t, { nodes: 1, api: LIMITS, listen: [...ANYBODY, { at: '127.0.0.1:0' }] })
	const closed = { url: door.addresses[1] }
	const { fid, upload } = await ground(door)
	const scoped = await knownToken(door, 'write', { paths: ['elsewhere'] })
	const reader = await knownToken(door, 'read')
	for (const asked of writesOf(fid, upload)) {
		const said = [await heard(closed, asked), await heard(closed, asked, 'cairn_nobody'), await heard(closed, asked, reader), await heard(closed, asked, scoped)]
		assert.deepEqual(said, [401, 401, 403, 403], asked.line)
	}
	const begun = await ground(door)
	for (const asked of writesOf(fid, begun.upload)) assert.equal(await heard(door, asked), 100, asked.line)
})

test('where no node takes new files nobody is told to send one', async (t) => {
	const door = await openDoor(t, { nodes: 1, api: LIMITS, listen: ANYBODY })
	const { fid } = await ground(door)
	await door.driver.change("UPDATE node SET state = 'ro'")
	await door.reload()
	const said = []
	for (const bytes of [BYTES, 5]) {
		for (const line of ['PUT /files/f', 'PUT /dav/f', 'PUT /file?path=f', `PUT /${fid}`, 'POST /submit']) said.push(await heard(door, { line, bytes }))
	}
	assert.deepEqual(said, [503, 503, 504, 503, 503, 503, 503, 504, 503, 503])
})

test('curl sends nothing of what is refused, and all of what is taken', async (t) => {
	const door = await openDoor(t, { nodes: 1, api: LIMITS, listen: ANYBODY })
	const { fid, upload } = await ground(door)
	const [large, fitting] = ['large', 'fitting'].map((name) => join(door.directory, name))
	for (const path of [large, fitting]) writeFileSync(path, '')
	truncateSync(large, HERCULES_BYTES_MAX + 1)
	truncateSync(fitting, 1_200_000)
	const curl = async (...options: string[]) => {
		const { stdout } = await promisify(execFile)('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code} %{size_upload}', '--expect100-timeout', '20', '--max-time', '20', ...options])
		return stdout
	}
	const at = (path: string) => `${door.url}${path}`
	const tus = [...TUS, 'upload-offset: 0'].flatMap((header) => ['-H', header])
	const refused: Array<[status: number, ...options: string[]]> = [
		[412, '-T', large, '-H', 'if-none-match: *', at('/files/there')],
		[423, '-T', large, at('/dav/locked')],
		[413, '-T', large, at('/file?path=f')],
		[413, '-F', `upload_file=@${large}`, at('/files?path=f')],
		[413, '-T', large, at(`/${fid}`)],
		[413, '-F', `file=@${large}`, at('/submit')],
		[413, '--data-binary', `@${large}`, at('/api/v1/append?path=there')],
		[413, '-X', 'PATCH', '-T', large, ...tus, at(upload)],
	]
	for (const [status, ...options] of refused) assert.equal(await curl(...options), `${status} 0`, options.join(' '))
	assert.equal(await curl('-T', fitting, at('/files/fitting')), '201 1200000')
	assert.equal(await curl('-T', fitting, at(`/${fid}`)), '201 1200000')
})
