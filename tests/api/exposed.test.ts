/** What an answer says in its head, to a page of an origin that is named: a browser shows it what is said to be for it, and nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDoor } from './door.ts'

const ORIGIN = 'https://photos.example'
/** Shown without a word (Fetch, "CORS-safelisted response-header name"), or for the browser itself. */
const NOT_FOR_PAGES = new Set([
	'cache-control', 'content-language', 'content-length', 'content-type', 'expires', 'last-modified', 'pragma',
	'access-control-allow-origin', 'access-control-expose-headers', 'connection', 'content-security-policy', 'date', 'keep-alive', 'ms-author-via', 'transfer-encoding', 'vary',
	'www-authenticate', 'x-content-type-options',
])
const LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
const TUS = { 'tus-resumable': '1.0.0', 'upload-metadata': `path ${Buffer.from('tus').toString('base64')}` }

test('a page of another origin reads all that is said to it', async (t) => {
	const door = await openDoor(t, { nodes: 1, api: { corsOrigins: [ORIGIN] } })
	const ask = async (method: string, path: string, headers: Record<string, string> = {}, body?: string) => {
		const answer = await door.fetch(path, { method, headers: { origin: ORIGIN, ...headers }, body })
		await answer.arrayBuffer()
		const exposed = new Set((answer.headers.get('access-control-expose-headers') ?? '').toLowerCase().split(', '))
		assert.deepEqual([...answer.headers.keys()].filter((name) => !NOT_FOR_PAGES.has(name) && !exposed.has(name)), [], `${method} ${path}: ${answer.status}`)
		return answer
	}
	await ask('PUT', '/files/a.txt', {}, 'content')
	await ask('PUT', '/dav/a.txt', { 'x-oc-mtime': '1000000000' }, 'content')
	const asked: Array<Record<string, string>> = [{}, { range: 'bytes=0-1' }, { range: 'bytes=9-' }, { 'if-none-match': '*' }]
	for (const headers of asked) for (const path of ['/files/a.txt?dl', '/dav/a.txt', '/file?path=a.txt', '/api/v1/read?path=a.txt']) await ask('GET', path, headers)
	await ask('OPTIONS', '/dav/')
	await ask('OPTIONS', '/files/')
	await ask('PATCH', '/files/a.txt')
	await ask('PUT', '/files/b', { 'content-encoding': 'br' }, 'x')
	await ask('LOCK', '/dav/a.txt', {}, LOCK)
	await ask('OPTIONS', '/uploads')
	const { headers } = await ask('POST', '/uploads', { ...TUS, 'upload-length': '1' })
	await ask('HEAD', headers.get('location') as string, TUS)
	const events = await door.fetch('/events', { headers: { origin: ORIGIN } })
	assert.deepEqual([events.headers.get('access-control-allow-origin'), events.headers.get('vary')], [ORIGIN, 'Origin'])
	await events.body?.cancel()
	const { fid } = (await (await door.fetch('/dir/assign')).json()) as { fid: string }
	await ask('PUT', `/${fid}`, { 'content-md5': 'mgNkuembtIDdJeHwKEyFVQ==' }, 'content')
	await ask('GET', `/${fid}`)
})
