/** WebDAV case by case (RFC 4918), on both databases; what real clients make of it is in dav-clients.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe } from '../../api/dav/properties.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { resolve } from '../../core/filesystem/resolve.ts'
import { wait } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { openDoor, type TestDoor } from './door.ts'
import { knownToken } from './known-token.ts'
import { inTree, symlinkInTree } from './symlink.ts'

interface Said {
	status: number
	body: string
	headers: Headers
}

async function ask(door: TestDoor, method: string, path: string, { headers = {}, body }: { headers?: Record<string, string>; body?: string } = {}): Promise<Said> {
	const answer = await door.fetch(path, { method, headers, body })
	return { status: answer.status, body: await answer.text(), headers: answer.headers }
}

const status = async (...args: Parameters<typeof ask>) => (await ask(...args)).status
const LOCK = (scope = 'exclusive') => `<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>me &amp; you</D:href></D:owner></D:lockinfo>`
const tokenOf = ({ headers }: Said) => headers.get('lock-token') as string
const hrefs = ({ body }: Said) => [...body.matchAll(/<D:response><D:href>([^<]*)/g)].map(([, href]) => href)

for (const engine of engines) {
	test(`${engine.name}: collections and files`, async (t) => {
		const door = await openDoor(t, { engine })
		const options = await ask(door, 'OPTIONS', '/dav/')
		assert.equal(options.headers.get('dav'), '1, 2')
		assert.equal(await status(door, 'MKCOL', '/dav/c/'), 201)
		assert.equal(await status(door, 'MKCOL', '/dav/c'), 405)
		assert.equal(await status(door, 'MKCOL', '/dav/no/c'), 409)
		assert.equal(await status(door, 'MKCOL', '/dav/with-body', { body: 'x' }), 415)
		assert.equal(await status(door, 'PUT', '/dav/c/f', { body: 'content' }), 201)
		assert.equal(await status(door, 'PUT', '/dav/c/f', { body: 'content 2' }), 204)
		assert.equal(await status(door, 'PUT', '/dav/no/f', { body: 'x' }), 409)
		assert.equal(await status(door, 'PUT', '/dav/c', { body: 'x' }), 405)
		assert.equal((await ask(door, 'GET', '/dav/c/f')).body, 'content 2')
		assert.equal(await status(door, 'GET', '/dav/c/'), 405)
		const to = (path: string, overwrite = 'T', depth = 'infinity') => ({ headers: { destination: `${door.url}${path}`, overwrite, depth } })
		assert.equal(await status(door, 'COPY', '/dav/c/f', to('/dav/c/g', 'F')), 201)
		assert.equal(await status(door, 'COPY', '/dav/c/f', to('/dav/c/g', 'F')), 412)
		assert.equal(await status(door, 'COPY', '/dav/c/f', to('/dav/c/g')), 204)
		assert.equal(await status(door, 'COPY', '/dav/c/f', to('/dav/no/g')), 409)
		// As rclone does where it speaks to ownCloud: else it copies the same file every time.
		for (const path of ['/dav/c/g', '/dav/c/timed']) {
			const timed = await ask(door, 'COPY', '/dav/c/f', { headers: { destination: path, 'x-oc-mtime': '981173110' } })
			assert.equal(timed.headers.get('x-oc-mtime'), 'accepted')
			assert.equal((await ask(door, 'HEAD', path)).headers.get('last-modified'), 'Sat, 03 Feb 2001 04:05:10 GMT')
		}
		assert.equal((await ask(door, 'COPY', '/dav/c', { headers: { destination: '/dav/timed', 'x-oc-mtime': '981173110' } })).headers.get('x-oc-mtime'), null)
		for (const path of ['/dav/c/timed', '/dav/timed']) assert.equal(await status(door, 'DELETE', path), 204)
		assert.equal(await status(door, 'COPY', '/dav/c', to('/dav/shallow', 'T', '0')), 201)
		assert.deepEqual(hrefs(await ask(door, 'PROPFIND', '/dav/shallow', { headers: { depth: '1' } })), ['/dav/shallow/'])
		assert.equal(await status(door, 'COPY', '/dav/c/', to('/dav/d/')), 201)
		assert.equal(await status(door, 'COPY', '/dav/c/', to('/dav/c/f', 'T')), 403)
		assert.equal(await status(door, 'MOVE', '/dav/d', to('/dav/d')), 403)
		assert.equal(await status(door, 'MOVE', '/dav/d', to('/dav/d/below')), 403)
		assert.equal(await status(door, 'MOVE', '/dav/d', to('/dav/c', 'F')), 412)
		assert.equal(await status(door, 'MOVE', '/dav/d', to('/dav/c')), 204)
		assert.equal(await status(door, 'MOVE', '/dav/c/g', to('/dav/h')), 201)
		assert.equal(await status(door, 'MOVE', '/dav/h', { headers: { destination: 'http://other/elsewhere' } }), 502)
		assert.deepEqual(hrefs(await ask(door, 'PROPFIND', '/dav/', { headers: { depth: '1' } })), ['/dav/', '/dav/c/', '/dav/h', '/dav/shallow/'])
		assert.equal(await status(door, 'DELETE', '/dav/c'), 204)
		assert.equal(await status(door, 'DELETE', '/dav/c'), 404)
		assert.equal(await status(door, 'DELETE', '/dav/'), 403)
	})

	test(`${engine.name}: properties`, async (t) => {
		const door = await openDoor(t, { engine })
		await ask(door, 'PUT', '/dav/%3Cf%3E%20%FF', { body: '12345' })
		const path = '/dav/%3Cf%3E%20%FF'
		const all = await ask(door, 'PROPFIND', path, { headers: { depth: '0' } })
		assert.equal(all.status, 207)
		for (const expected of ['<D:getcontentlength>5<', '<D:resourcetype/>', '<D:displayname>&lt;f&gt; ', '<D:getetag>&quot;', '<D:href>/dav/%3Cf%3E%20%FF<']) assert.ok(all.body.includes(expected), expected)
		const patch = (inside: string) => ask(door, 'PROPPATCH', path, { body: `<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x">${inside}</D:propertyupdate>` })
		const find = async (prop: string) => (await ask(door, 'PROPFIND', path, { headers: { depth: '0' }, body: `<D:propfind xmlns:D="DAV:" xmlns:x="urn:x"><D:prop>${prop}</D:prop></D:propfind>` })).body
		assert.match((await patch('<D:set><D:prop><x:a>one &lt; <x:b c="d &amp; &quot;e&quot;" x:f="g">two</x:b></x:a><plain>3</plain></D:prop></D:set>')).body, /200 OK/)
		assert.match(await find('<x:a/>'), /<a xmlns="urn:x">one &lt; <b xmlns="urn:x" c="d &amp; &quot;e&quot;" xmlns:a1="urn:x" a1:f="g">two<\/b><\/a><\/D:prop><D:status>HTTP\/1.1 200/)
		assert.match(await find('<x:none/><plain/>'), /<plain xmlns="">3<\/plain>.*200 OK.*<none xmlns="urn:x"><\/none>.*404/)
		const refused = await patch('<D:set><D:prop><D:getetag>x</D:getetag></D:prop></D:set><D:remove><D:prop><x:a/></D:prop></D:remove>')
		assert.match(refused.body, /getetag.*403 Forbidden.*424 Failed Dependency/)
		assert.match(await find('<x:a/>'), /200 OK/)
		// When it was last changed is no property of its own, as Windows says it either: it would stay when the file is changed.
		for (const [said, date] of [['D:getlastmodified', 'Sat, 03 Feb 2001 04:05:10 GMT'], ['w:Win32LastModifiedTime', 'Sun, 04 Feb 2001 04:05:11 GMT']]) {
			const set = (inside: string) => patch(`<D:set><D:prop><${said} xmlns:w="urn:schemas-microsoft-com:">${inside}</${said}></D:prop></D:set>`)
			assert.match((await set(date)).body, /200 OK/)
			assert.equal((await ask(door, 'HEAD', path)).headers.get('last-modified'), date)
			assert.match((await set('yesterday')).body, /403 Forbidden/)
		}
		assert.match(await find('<w:Win32LastModifiedTime xmlns:w="urn:schemas-microsoft-com:"/>'), /404/)
		// They stay with the file, whatever is done to it.
		await ask(door, 'PUT', path, { body: 'new content' })
		await ask(door, 'COPY', path, { headers: { destination: '/dav/copy' } })
		await ask(door, 'MOVE', '/dav/copy', { headers: { destination: '/dav/moved' } })
		const moved = await ask(door, 'PROPFIND', '/dav/moved', { headers: { depth: '0' } })
		assert.match(moved.body, /<a xmlns="urn:x">one/)
		assert.match((await patch('<D:remove><D:prop><x:a/><x:never/></D:prop></D:remove>')).body, /200 OK/)
		assert.match(await find('<x:a/>'), /404/)
		const names = await ask(door, 'PROPFIND', '/dav/moved', { headers: { depth: '0' }, body: '<propfind xmlns="DAV:"><propname/></propfind>' })
		assert.match(names.body, /<a xmlns="urn:x"><\/a>/)
		assert.equal(await status(door, 'PROPFIND', '/dav/', { headers: { depth: 'infinity' } }), 403)
		const besides = await ask(door, 'PROPFIND', '/dav/', { headers: { depth: '0' }, body: '<propfind xmlns="DAV:"><allprop/><include><quota-available-bytes/></include></propfind>' })
		assert.match(besides.body, /<D:resourcetype>.*<D:quota-available-bytes>\d/)
		const without = hrefs(await ask(door, 'PROPFIND', '/dav/', { headers: { depth: '1,noroot' } }))
		assert.deepEqual(without, hrefs(await ask(door, 'PROPFIND', '/dav/', { headers: { depth: '1' } })).slice(1))
		// Names that every object of JavaScript has are nothing a resource has.
		const inherited = ['constructor', 'toString', '__proto__', '__defineGetter__']
		assert.match(await find(inherited.map((name) => `<D:${name}/>`).join('')), /<D:prop><D:constructor\/><D:toString\/><D:__proto__\/><D:__defineGetter__\/><\/D:prop><D:status>HTTP\/1.1 404/)
		for (const wrong of ['<', '<a></b>', '<propfind xmlns="DAV:"/>', '<D:propfind/>', '<propfind xmlns="DAV:"><prop><x:a xmlns:x=""/></prop></propfind>', '<!DOCTYPE x [<!ENTITY a "b">]><propfind xmlns="DAV:"><allprop/></propfind>', `${'<a>'.repeat(100)}`, '<a>&unknown;</a>']) {
			const answer = await ask(door, 'PROPFIND', '/dav/', { headers: { depth: '0' }, body: wrong })
			assert.equal(answer.status, 400, wrong)
			assert.match(answer.body, /<D:error/)
		}
	})

	test(`${engine.name}: locks hold at every door, until they end`, async (t) => {
		const door = await openDoor(t, { engine })
		const second = { ...door, url: (await door.second()).addresses[0] }
		const other = await knownToken(door, 'write', { name: 'other' })
		const atSecond = (method: string, path: string, headers: Record<string, string> = {}, body?: string) => fetch(`${second.url}${path}`, { method, body, headers: { authorization: `Bearer ${other}`, ...headers } }).then((answer) => answer.status)
		await ask(door, 'MKCOL', '/dav/d')
		await ask(door, 'PUT', '/dav/d/f', { body: 'x' })
		const asCollection = await ask(door, 'LOCK', '/dav/d/none/', { body: LOCK() })
		assert.deepEqual([asCollection.status, asCollection.headers.get('allow'), await status(door, 'HEAD', '/dav/d/none')], [405, 'OPTIONS, MKCOL', 404])
		const taken = await ask(door, 'LOCK', '/dav/d/f', { body: LOCK(), headers: { timeout: 'Infinite, Second-4100000000' } })
		assert.equal(taken.status, 200)
		assert.match(taken.body, /<D:owner><href xmlns="DAV:">me &amp; you<\/href><\/D:owner><D:timeout>Second-86400/)
		const token = tokenOf(taken)
		assert.equal(await atSecond('PUT', '/dav/d/f', {}, 'y'), 423)
		assert.equal(await atSecond('PUT', '/dav/d/f', { if: `(${token})` }, 'y'), 423, 'a token is of no use to whoever does not hold it')
		assert.equal(await atSecond('DELETE', '/dav/d'), 423)
		assert.equal(await atSecond('MOVE', '/dav/d', { destination: '/dav/e' }), 423)
		assert.equal(await atSecond('PROPPATCH', '/dav/d/f', {}, '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u">1</x></prop></set></propertyupdate>'), 423)
		assert.equal(await atSecond('LOCK', '/dav/d/f', {}, LOCK()), 423)
		assert.equal(await atSecond('LOCK', '/dav/d', {}, LOCK('shared')), 423)
		assert.equal(await atSecond('LOCK', '/dav/d', { depth: '0' }, LOCK('shared')), 200)
		assert.equal(await atSecond('GET', '/dav/d/f'), 200)
		assert.equal(await atSecond('COPY', '/dav/d/f', { destination: '/dav/copy' }), 201)
		assert.equal(await status(door, 'PUT', '/dav/d/f', { body: 'mine' }), 423)
		assert.equal(await status(door, 'PUT', '/dav/d/f', { body: 'mine', headers: { if: `(${token})` } }), 204)
		assert.equal(await status(door, 'PUT', '/dav/d/f', { body: 'mine', headers: { if: `(<urn:uuid:no>)` } }), 412)
		assert.equal(await status(door, 'PUT', '/dav/d/f', { body: 'mine', headers: { if: `(<urn:uuid:no>) (Not <urn:uuid:no> ${token})` } }), 204)
		assert.equal(await status(door, 'PUT', '/dav/d/f', { body: 'mine', headers: { if: `<${door.url}/dav/d/f> (${token} ["wrong"])` } }), 412)
		assert.equal(await status(door, 'PUT', '/dav/d/f', { body: 'mine', headers: { if: 'nonsense' } }), 400)
		assert.equal((await ask(door, 'LOCK', '/dav/d/f', { headers: { if: `(${token})`, timeout: 'Second-100' } })).status, 200)
		assert.match((await ask(door, 'PROPFIND', '/dav/d/f', { headers: { depth: '0' } })).body, /<D:locktoken><D:href>urn:uuid/)
		assert.equal(await atSecond('UNLOCK', '/dav/d/f', { 'lock-token': token }), 403)
		assert.equal(await status(door, 'UNLOCK', '/dav/d/f', { headers: { 'lock-token': 'no token' } }), 400)
		assert.equal(await status(door, 'UNLOCK', '/dav/d/f', { headers: { 'lock-token': token.slice(1, -1) } }), 204, 'without the brackets, as some clients have it')
		assert.equal(await status(door, 'UNLOCK', '/dav/d/f', { headers: { 'lock-token': token } }), 409)
		assert.equal(await atSecond('PUT', '/dav/d/f', {}, 'y'), 204)

		// A name that is not there yet, and one that ends by itself.
		const fresh = await ask(door, 'LOCK', '/dav/new', { body: LOCK(), headers: { depth: '0' } })
		assert.equal(fresh.status, 201)
		assert.equal((await ask(door, 'GET', '/dav/new')).body, '')
		assert.equal(await atSecond('DELETE', '/dav/new'), 423)
		await door.driver.change('UPDATE dav_lock SET until_at = 1')
		assert.equal(await atSecond('DELETE', '/dav/new'), 204)

		assert.equal(await status(door, 'LOCK', '/dav/no/new', { body: LOCK() }), 409)

		// What it is of goes by another way: whoever holds it can still give it up.
		const left = tokenOf(await ask(door, 'LOCK', '/dav/left', { body: LOCK() }))
		await ask(door, 'DELETE', '/files/left')
		assert.equal(await atSecond('PUT', '/dav/left', {}, 'y'), 423)
		assert.equal(await status(door, 'UNLOCK', '/dav/left', { headers: { 'lock-token': left } }), 204)
		assert.equal(await atSecond('PUT', '/dav/left', {}, 'y'), 201)

		// A deep one covers what is made below it; it goes with what it is of.
		const deep = tokenOf(await ask(door, 'LOCK', '/dav/d', { body: LOCK() }))
		assert.equal(await atSecond('PUT', '/dav/d/new', {}, 'y'), 423)
		assert.equal(await status(door, 'PUT', '/dav/d/new', { body: 'z', headers: { if: `<${door.url}/dav/d> (${deep})` } }), 201)
		assert.equal(await status(door, 'MOVE', '/dav/d', { headers: { destination: '/dav/moved', if: `<${door.url}/dav/d> (${deep})` } }), 201)
		assert.deepEqual(await door.driver.all('SELECT * FROM dav_lock'), [])

		const race = await Promise.all(Array.from({ length: 8 }, (_, index) => ask(index % 2 ? door : second, 'LOCK', '/dav/moved/f', { body: LOCK() })))
		assert.equal(race.filter((each) => each.status === 200).length, 1)
	})
}

test('a collection of which many files are locked is moved by who shows all of them, as davfs2 does', async (t) => {
	const door = await openDoor(t)
	for (const name of ['d', 'd/e']) await ask(door, 'MKCOL', `/dav/${name}`)
	const lists: string[] = []
	for (let number = 0; number < 300; number++) {
		const path = `/dav/d/e/a file with a rather long name ${number}`.replaceAll(' ', '%20')
		lists.push(`<${door.url}${path}> (${tokenOf(await ask(door, 'LOCK', path, { body: LOCK(), headers: { depth: '0' } }))})`)
	}
	const move = (shown: readonly string[]) => status(door, 'MOVE', '/dav/d', { headers: { destination: '/dav/moved', if: shown.join(' ') } })
	assert.equal(await move(lists.slice(1)), 423)
	assert.equal(await move(lists), 201)
	assert.equal(hrefs(await ask(door, 'PROPFIND', '/dav/moved/e', { headers: { depth: '1' } })).length, 301)
	assert.equal(await status(door, 'PUT', '/dav/f', { headers: { if: '(<urn:x>) '.repeat(1_001) }, body: 'x' }), 400)
})

test('a scope holds for destinations and If headers too', async (t) => {
	const door = await openDoor(t)
	await ask(door, 'MKCOL', '/dav/mine')
	await ask(door, 'PUT', '/dav/mine/f', { body: 'x' })
	await ask(door, 'PUT', '/dav/other', { body: 'x' })
	const token = await knownToken(door, 'write', { paths: ['mine'] })
	const as = (method: string, path: string, headers: Record<string, string> = {}) => fetch(`${door.url}${path}`, { method, headers: { authorization: `Basic ${Buffer.from(`any:${token}`).toString('base64')}`, ...headers } }).then((answer) => answer.status)
	assert.equal(await as('PROPFIND', '/dav/mine', { depth: '1' }), 207)
	assert.equal(await as('PROPFIND', '/dav/', { depth: '1' }), 403)
	assert.equal(await as('MOVE', '/dav/mine/f', { destination: '/dav/stolen' }), 403)
	assert.equal(await as('COPY', '/dav/other', { destination: '/dav/mine/got' }), 403)
	assert.equal(await as('DELETE', '/dav/other'), 403)
	// Else the answer would say which version of which file is there.
	const tag = (await ask(door, 'HEAD', '/dav/other')).headers.get('etag')
	for (const list of [`([${tag}])`, '(["no tag"])', `(Not [${tag}])`]) assert.equal(await as('PUT', '/dav/mine/f', { if: `</dav/other> ${list}` }), 403, list)
	assert.equal(await as('PUT', '/dav/mine/f', { if: `</dav/mine/f> ([${(await ask(door, 'HEAD', '/dav/mine/f')).headers.get('etag')}])` }), 204)
	assert.equal((await fetch(`${door.url}/dav/`, { method: 'PROPFIND' })).status, 401)
})

test('what is reached through symlinks has the address it was asked by, and the length of what is read there', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await ask(door, 'MKCOL', '/dav/d')
	await ask(door, 'MKCOL', '/dav/secret')
	await ask(door, 'PUT', '/dav/d/f', { body: 'content' })
	await ask(door, 'PUT', '/dav/secret/f', { body: 'a secret' })
	for (const [path, target] of [['link', 'd'], ['d/file', 'f'], ['d/up', '..'], ['d/nowhere', 'none'], ['d/out', '/etc/passwd'], ['d/secret', '../secret/f']]) await symlinkInTree(door, path, target)
	const list = async (path: string, headers: Record<string, string> = {}) => {
		const { body } = await ask(door, 'PROPFIND', path, { headers: { depth: '1', ...headers } })
		return [...body.matchAll(/<D:href>([^<]*)<.*?(?:<D:collection|<D:getcontentlength>(\d+))/g)].map(([, href, length]) => [href, length])
	}
	const links = (secret: string) => [['file', '7'], ['nowhere', '4'], ['out', '11'], ['secret', secret], ['up', '2']].map(([name, length]) => [`/dav/link/${name}`, length])
	const through = [['/dav/link/', undefined], ['/dav/link/f', '7'], ...links('8')].sort()
	assert.deepEqual((await list('/dav//link')).sort(), through)
	const authorization = `Bearer ${await knownToken(door, 'read', { paths: ['d', 'link'] })}`
	assert.deepEqual((await list('/dav/link/', { authorization })).find(([href]) => href === '/dav/link/secret'), ['/dav/link/secret', '11'], 'of the target as it is written')
	const patched = await ask(door, 'PROPPATCH', '/dav/link/f', { body: '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u">1</x></prop></set></propertyupdate>' })
	assert.deepEqual(hrefs(patched), ['/dav/link/f'])
})

test('a tag is the same before and after the hash is known, another when the content is, and every door takes it', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const { headers } = await ask(door, 'PUT', '/dav/f', { body: 'one' })
	const tag = headers.get('etag') as string
	const { hash } = (await door.driver.get<{ hash: Uint8Array }>('SELECT hash FROM file WHERE hash IS NOT NULL'))!
	const tags = async () => [(await ask(door, 'HEAD', '/dav/f')).headers.get('etag'), /<D:getetag>&quot;(.*?)&quot;/.exec((await ask(door, 'PROPFIND', '/dav/f', { headers: { depth: '0' } })).body)?.[1]]
	await change(door, 'UPDATE file SET hash = NULL, hash_version = 0')
	assert.deepEqual(await tags(), [tag, tag.slice(1, -1)])
	await change(door, 'UPDATE file SET hash = ?, hash_version = version', hash)
	assert.deepEqual(await tags(), [tag, tag.slice(1, -1)])
	const long = (await door.fetch('/files/f', { method: 'HEAD' })).headers.get('etag') as string
	assert.equal(long.length, 66)
	for (const each of [tag, long]) {
		assert.equal(await status(door, 'PUT', '/dav/f', { headers: { if: `(Not [${each}])` }, body: 'no' }), 412)
		assert.equal(await status(door, 'PUT', '/dav/f', { headers: { 'if-none-match': each }, body: 'no' }), 412)
		assert.equal(await status(door, 'GET', '/dav/f', { headers: { 'if-none-match': each } }), 304)
		assert.equal(await status(door, 'GET', '/dav/f', { headers: { 'if-range': each, range: 'bytes=1-' } }), 206)
		assert.equal(await status(door, 'PROPPATCH', '/dav/f', { headers: { if: `([${each}])` }, body: '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="y"/></prop></set></propertyupdate>' }), 207)
	}
	assert.equal(await status(door, 'PUT', '/dav/f', { headers: { 'if-match': tag }, body: 'two' }), 204)
	assert.equal(await status(door, 'PUT', '/dav/f', { headers: { 'if-match': tag }, body: 'three' }), 412)
})

async function change({ driver }: TestDoor, sql: string, ...values: Uint8Array[]): Promise<void> {
	await driver.transaction(function* (tx) {
		tx.write(sql, values)
	})
}

test('XML that would cost much more than it is long is refused', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const find = (declared: string, prop = '<D:getetag/>') => status(door, 'PROPFIND', '/dav/', { headers: { depth: '0' }, body: `<D:propfind xmlns:D="DAV:" ${declared}><D:prop>${prop}</D:prop></D:propfind>` })
	const prefixes = (count: number) => Array.from({ length: count }, (_, index) => `xmlns:p${index}="urn:p"`).join(' ')
	assert.equal(await find(prefixes(1_000), '<p1:a/><p999:b/>'), 207)
	assert.equal(await find(prefixes(20_000)), 400, 'each element would take them along')
	assert.equal(await find(`xmlns:n="${'n'.repeat(1_000)}"`, '<n:a/>'), 207)
	assert.equal(await find(`xmlns:n="${'n'.repeat(2_000)}"`, '<n:a/>'), 400, 'each element would say it again')
})

test('whatever a client or a mount sets as a property, the answer is XML', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await ask(door, 'PUT', '/dav/f', { body: 'x' })
	const patch = (inside: string) => ask(door, 'PROPPATCH', '/dav/f', { body: `<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x" xmlns:y="urn:{y}z"><D:set><D:prop>${inside}</D:prop></D:set></D:propertyupdate>` })
	for (const wrong of ['<x:/>', '<x:a"b/>', '<x:a&amp;b/>', '<x:1/>', '<x:a:b/>', '<x:a><b c="1" c="2"/></x:a>', '<x:a><b 1="2"/></x:a>']) assert.equal((await patch(wrong)).status, 400, wrong)
	assert.match((await patch('<y:n>1</y:n><x:n\u00e4-1.\u4e2d>2</x:n\u00e4-1.\u4e2d>')).body, /200 OK/)
	const [{ id }] = await door.driver.all<{ id: number }>("SELECT file_id AS id FROM entry WHERE name = X'66'")
	for (const [name, value] of [['{urn:x}a b', '1'], ['{urn:x}open', '</open><D:response>&'], ['{urn:x}bytes', '\x01<b>c</b>']]) {
		await door.driver.change('INSERT INTO xattr (file_id, name, value) VALUES (?, ?, ?)', [id, Buffer.from(`user.dav:${name}`), Buffer.from(value)])
	}
	const { body } = await ask(door, 'PROPFIND', '/dav/f', { headers: { depth: '0' } })
	assert.match(body, /<n xmlns="urn:\{y\}z">1<\/n>/)
	assert.match(body, /<n\u00e4-1\.\u4e2d xmlns="urn:x">2</)
	assert.match(body, /<open xmlns="urn:x">&lt;\/open&gt;&lt;D:response&gt;&amp;<\/open>/)
	assert.match(body, /<bytes xmlns="urn:x">\ufffd<b xmlns="">c<\/b><\/bytes>/)
	assert.doesNotMatch(body, /<a b/)
})

test('what is removed while its directory is being listed does not break the listing off', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await ask(door, 'PUT', '/dav/f', { body: 'x' })
	await ask(door, 'PROPPATCH', '/dav/f', { body: '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u">1</x></prop></set></propertyupdate>' })
	const path = Buffer.from('f')
	const { row } = await inTree(door, (fs) => resolve(fs, path))
	await ask(door, 'DELETE', '/dav/f')
	const described = await inTree(door, (fs) => wait(describe(fs, { path, real: path, row: row as LocatedRow }, { kind: 'all' }, [])))
	assert.match(described, /<D:href>\/dav\/f<.*200 OK/)
})

test('more properties than a mount could list are refused, and one that has them can be listed and copied', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	await ask(door, 'PUT', '/dav/f', { body: 'x' })
	const names = Array.from({ length: 300 }, (_, index) => `${'p'.repeat(230)}${index}`)
	const patch = (action: string, some: string[]) => ask(door, 'PROPPATCH', '/dav/f', { body: `<propertyupdate xmlns="DAV:"><${action}><prop>${some.map((name) => `<${name} xmlns="u">1</${name}>`).join('')}</prop></${action}></propertyupdate>` })
	assert.equal((await patch('set', names)).status, 507)
	assert.equal((await patch('set', names.slice(0, 200))).status, 207)
	const [{ id }] = await door.driver.all<{ id: number }>("SELECT file_id AS id FROM entry WHERE name = X'66'")
	for (const name of names.slice(200)) await door.driver.change('INSERT INTO xattr (file_id, name, value) VALUES (?, ?, ?)', [id, Buffer.from(`user.dav:{u}${name}`), Buffer.from('1')])
	assert.equal(await status(door, 'COPY', '/dav/f', { headers: { destination: '/dav/g' } }), 201)
	const { body } = await ask(door, 'PROPFIND', '/dav/', { headers: { depth: '1' } })
	assert.equal([...body.matchAll(/<p+\d+ xmlns="u">1</g)].length, 2 * names.length)
	assert.equal((await patch('remove', names.slice(1))).status, 207)
})

test('one holder does not take all the locks there may be', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const lock = async (token: string, path: string) => (await door.fetch(path, { method: 'LOCK', body: LOCK(), headers: { authorization: `Bearer ${token}` } })).status
	const many = await door.token('write', { name: 'many' })
	for (let number = 0; number < 999; number++) {
		await door.driver.change("INSERT INTO dav_lock (token, path, deep, exclusive, owner, holder, until_at) VALUES (?, ?, 0, 1, '', 'many', 9999999999)", [`t${number}`, Buffer.from(`p${number}`)])
	}
	assert.deepEqual([await lock(many, '/dav/a'), await lock(many, '/dav/b')], [201, 503])
	assert.equal(await lock(await door.token('write', { name: 'few' }), '/dav/b'), 201)
	await door.driver.change("DELETE FROM dav_lock WHERE token = 't0'")
	assert.equal(await lock(many, '/dav/c'), 201)
})
