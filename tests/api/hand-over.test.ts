/** Content that a web server in front sends, or the door that is where it is. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openDoor, type TestDoor } from './door.ts'
import { symlinkInTree } from './symlink.ts'

const LARGE = randomBytes(2_500_000)

const put = (door: TestDoor, path: string, body: string | Buffer, headers: Record<string, string> = {}) => door.fetch(path, { method: 'PUT', body, headers })
const text = async (door: TestDoor, path: string) => (await door.fetch(path)).text()

test('large files may be carried by a web server in front, or by the door that is where they are', async (t) => {
	const door = await openDoor(t, { nodes: 1, api: { carriedBy: 'x-accel-redirect' } })
	await put(door, '/files/d%C3%A9/large', LARGE)
	await put(door, '/files/small', 'x')
	const answer = await door.fetch('/files/d%C3%A9/large')
	assert.equal(answer.headers.get('x-accel-redirect'), '/.cairn/node1/d%C3%A9/large')
	assert.equal((await answer.arrayBuffer()).byteLength, 0)
	assert.equal(await text(door, '/files/small'), 'x')
	const { fid } = (await (await door.fetch('/dir/assign')).json()) as { fid: string }
	await put(door, `/${fid.replace(',', '/')}/pic.jpg`, LARGE, { 'content-type': 'image/jpeg' })
	for (const [path, header] of [
		['/dav/d%C3%A9/large', /^\/\.cairn\/node1\/d%C3%A9\/large$/],
		['/file?path=d%C3%A9/large', /^\/\.cairn\/node1\/d%C3%A9\/large$/],
		[`/${fid}?width=100&height=100`, /^\/\.cairn\/node1\/\.blobs\/default\/.*_pic\.jpg$/],
	] as const) {
		const carried = await door.fetch(path)
		assert.match(carried.headers.get('x-accel-redirect') ?? '', header, path)
		assert.equal((await carried.arrayBuffer()).byteLength, 0)
	}
	const etag = answer.headers.get('etag') as string
	for (const [header, value] of [['if-match', etag], ['if-range', etag]]) {
		const part = await door.fetch('/files/d%C3%A9/large', { headers: { range: 'bytes=1-3', [header]: value } })
		assert.deepEqual([part.status, part.headers.get('x-accel-redirect')], [206, null], `${header}: nginx knows no tag of the door`)
		assert.ok(Buffer.from(await part.arrayBuffer()).equals(LARGE.subarray(1, 4)))
	}

	const other = await openDoor(t, { nodes: 1 })
	const redirecting = await openDoor(t, { nodes: 1, api: { doors: { node1: other.url } } })
	await put(redirecting, '/files/large', LARGE)
	const sent = await redirecting.fetch('/files/large?dl', { redirect: 'manual' })
	assert.equal(sent.status, 307)
	const location = sent.headers.get('location') as string
	assert.equal((await redirecting.fetch('/file?path=large', { redirect: 'manual' })).status, 200, 'a signature says nothing of a parameter')
	assert.ok(location.startsWith(`${other.url}/files/large?dl&expires=`))
	assert.equal((await fetch(`${redirecting.url}${location.slice(other.url.length)}`, { redirect: 'manual' })).status, 307, 'the address is good without a token')
})

test('an address that a door hands out leads to nothing that came there later', async (t) => {
	const other = await openDoor(t, { nodes: 1 })
	const door = await openDoor(t, { nodes: 1, api: { doors: { node1: other.url } } })
	await put(door, '/files/pub/x', LARGE)
	await put(door, '/files/private/secret', 'secret')
	await symlinkInTree(door, 'pub/way-out', '../private/secret')
	await symlinkInTree(door, 'way', 'pub')
	const token = await door.token('write', { paths: ['pub'] })
	const as = (method: string, path: string, headers: Record<string, string> = {}) => fetch(door.url + path, { method, redirect: 'manual', headers: { authorization: `Bearer ${token}`, ...headers } })
	const location = async (path: string) => ((await as('GET', path)).headers.get('location') as string).slice(other.url.length)
	const signed = await location('/files/pub/x')
	const ask = async (target: string) => (await fetch(door.url + target, { redirect: 'manual' })).status
	assert.equal(await ask(signed), 307)
	assert.equal((await as('GET', '/files/pub/way-out')).status, 403)
	assert.equal((await as('DELETE', '/files/pub/x')).status, 204)
	assert.equal((await as('MOVE', '/files/pub/way-out', { destination: '/files/pub/x' })).status, 201)
	assert.equal(await ask(signed), 403)
	// Who asked by a symlink is sent to where that led.
	await put(door, '/files/pub/y', LARGE)
	const through = (await door.fetch('/files/way/y?dl', { redirect: 'manual' })).headers.get('location') as string
	assert.ok(through.startsWith(`${other.url}/files/pub/y?dl&expires=`), through)
	assert.equal(await ask(through.slice(other.url.length)), 307)
})

test('what a browser might take for a page is not left to a web server that does not say otherwise', async (t) => {
	const door = await openDoor(t, { nodes: 1, api: { carriedBy: 'x-accel-redirect' } })
	const isCarried = async (path: string) => {
		const answer = await door.fetch(path)
		assert.equal(answer.status, 200, path)
		assert.match(answer.headers.get('content-security-policy') ?? '', /^sandbox( allow-same-origin)?$/, path)
		return answer.headers.get('x-accel-redirect') === null && Buffer.from(await answer.arrayBuffer()).equals(LARGE)
	}
	for (const [name, isPage] of [['a.html', true], ['a.svg', true], ['a.xml', true], ['a.txt', false], ['a.jpg', false], ['a.mp4', false], ['a.zip', false], ['a', false]] as const) {
		await put(door, `/files/${name}`, LARGE)
		for (const prefix of ['/files/', '/dav/', '/file?path=']) assert.equal(await isCarried(prefix + name), isPage, prefix + name)
	}
	for (const [type, isPage] of [['text/html;charset=x', true], ['application/xhtml+xml', true], ['unknown/unknown', true], ['multipart/x-mixed-replace', true], ['video/quicktime', false]] as const) {
		const { fid } = (await (await door.fetch('/dir/assign')).json()) as { fid: string }
		assert.equal((await put(door, `/${fid}`, LARGE, { 'content-type': type })).status, 201, type)
		assert.equal(await isCarried(`/${fid}`), isPage, type)
	}
})

test('a file whose path a header cannot say is carried by the door itself', async (t) => {
	const door = await openDoor(t, { nodes: 1, api: { carriedBy: 'x-sendfile' } })
	await put(door, '/files/d%C3%A9/plain', LARGE)
	assert.equal((await door.fetch('/files/d%C3%A9/plain')).headers.get('x-sendfile'), Buffer.from(door.node(1, 'd\u00e9/plain')).toString('latin1'))
	for (const name of ['two%0Alines', 'blank%20', 'a%2541', 'tab%09', 'del%7F']) {
		await put(door, `/files/${name}`, LARGE)
		const answer = await door.fetch(`/files/${name}`)
		assert.deepEqual([answer.status, answer.headers.get('x-sendfile')], [200, null], name)
		assert.ok(Buffer.from(await answer.arrayBuffer()).equals(LARGE), name)
	}
	assert.deepEqual(door.reports, [])
})
