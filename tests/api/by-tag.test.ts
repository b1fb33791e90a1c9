/** `If-Match` with what changes names, at both doors. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDoor } from './door.ts'

test('what has the tag that is asked for is copied, moved and removed, and nothing else is', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	for (const part of ['/files', '/dav']) {
		await door.fetch('/files/f', { method: 'PUT', body: part })
		const tag = (await door.fetch('/files/f', { method: 'HEAD' })).headers.get('etag') as string
		const asked = async (method: string, name: string, to = '') => {
			const statusOf = async (ifMatch: string) => (await door.fetch(`${part}/${name}`, { method, headers: { 'if-match': ifMatch, destination: `${part}/${to}` } })).status
			return [await statusOf('"another"'), await statusOf(tag)]
		}
		assert.deepEqual([await asked('COPY', 'f', 'c'), await asked('MOVE', 'f', 'm'), await asked('DELETE', 'm'), await asked('DELETE', 'c')], [[412, 201], [412, 201], [412, 204], [412, 204]], part)
	}
})

const LOCK = '<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>'
const PATCH = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="y">1</x></prop></set></propertyupdate>'

test('in every dialect a condition that does not hold keeps what changes anything from it', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const { fid } = (await (await door.fetch('/dir/assign')).json()) as { fid: string }
	const asked: Array<[address: string, method: string, path: string, status: number, body?: string]> = [
		['/files/f', 'PUT', '/file?path=f', 200, 'x'],
		['/files/f', 'POST', '/files?path=f', 201, 'x'],
		['/files/f', 'DELETE', '/file?path=f', 204],
		['/files/f', 'PROPPATCH', '/dav/f', 207, PATCH],
		['/files/f', 'LOCK', '/dav/f', 200, LOCK],
		['/files/f', 'POST', '/api/v1/write?path=/f&offset=0', 200, 'x'],
		['/files/f', 'POST', '/api/v1/append?path=/f', 200, 'x'],
		['/files/f', 'POST', '/api/v1/rename', 200, '{"source":"/f","target":"/g"}'],
		['/files/f', 'POST', '/api/v1/delete', 200, '{"path":"/f"}'],
		[`/${fid}`, 'PUT', `/${fid}`, 201, 'x'],
		[`/${fid}`, 'POST', `/${fid}`, 201, 'x'],
		[`/${fid}`, 'DELETE', `/${fid}`, 202],
	]
	for (const [address, method, path, status, body] of asked) {
		await door.fetch(address, { method: 'PUT', body: 'content' })
		const tag = (await door.fetch(address, { method: 'HEAD' })).headers.get('etag') as string
		const ask = async (headers: Record<string, string>) => (await door.fetch(path, { method, headers, body })).status
		assert.deepEqual([await ask({ 'if-match': '"another"' }), await ask({ 'if-none-match': '*' }), await ask({ 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' })], [412, 412, 412], `${method} ${path}`)
		assert.equal(await (await door.fetch(address)).text(), 'content', `${method} ${path}`)
		assert.equal(await ask({ 'if-match': tag }), status, `${method} ${path}: ${tag}`)
	}
	for (const part of ['/files', '/dav']) {
		const make = async (headers: Record<string, string>) => (await door.fetch(`${part}/d${part.length}`, { method: 'MKCOL', headers })).status
		assert.deepEqual([await make({ 'if-match': '*' }), await make({ 'if-none-match': '*' })], [412, 201], part)
	}
	for (const verb of ['mkdir', 'create']) {
		const body = `{"path":"/above/${verb}"}`
		const make = async (headers: Record<string, string>) => (await door.fetch(`/api/v1/${verb}`, { method: 'POST', headers, body })).status
		assert.equal(await make({ 'if-match': '*' }), 412, verb)
		assert.equal((await door.fetch(`/files/above/${verb}`)).status, 404, verb)
		assert.equal(await make({ 'if-none-match': '*' }), 200, verb)
	}
})
