/** SeaweedFS's dialect through a real server, as its clients speak it; and that every object is a plain file. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { engines } from '../catalogue/engines.ts'
import { begin } from './half-sent.ts'
import { assign, type Assigned, form, open, plainFiles, upload } from './objects-ground.ts'

const month = () => new Date().toISOString().slice(0, 7).replace('-', '/')

for (const engine of engines) {
	describe(engine.name, () => {
		test('what has the name of an object that was moved while new content came for it is left alone', async (t) => {
			const door = await open(t, engine, { nodes: 1 })
			const { fid } = await assign(door)
			await upload(`${door.url}/${fid}`, 'first')
			const href = `/files/.blobs/${plainFiles(door)[0]}`
			const coming = begin(door, { method: 'PUT', target: `/${fid}`, body: 'second', headers: { expect: '100-continue' } })
			await coming.begun
			assert.equal((await door.fetch(href, { method: 'MOVE', headers: { destination: '/files/moved' } })).status, 201)
			assert.equal((await door.fetch(href, { method: 'PUT', body: 'of somebody else' })).status, 201)
			coming.end()
			assert.equal((await coming.answered)[0], 409)
			const text = async (path: string) => (await door.fetch(path)).text()
			assert.deepEqual(await Promise.all([href, `/${fid}`, '/files/moved'].map(text)), ['of somebody else', 'first', 'first'])
			assert.equal((await upload(`${door.url}/${fid}`, 'third')).status, 201)
			assert.equal(await text('/files/moved'), 'third')
		})

		test('assigned, uploaded, read, replaced, deleted', async (t) => {
			const door = await open(t, engine, { nodes: 1 })
			const { fid, url, publicUrl, count } = await assign(door)
			assert.match(fid, /^\d+,[0-9a-f]{10,}$/)
			assert.equal(url, new URL(door.url).host)
			assert.equal(publicUrl, url)
			assert.equal(count, 1)
			const made = await upload(`${door.url}/${fid}`, 'hello', { headers: { 'content-type': 'text/x-greeting' } })
			assert.equal(made.status, 201)
			assert.deepEqual(made.said, { size: 5, eTag: '9a71bb4c', mime: 'text/x-greeting' })
			assert.equal(made.headers.get('etag'), '"9a71bb4c"')
			const read = await fetch(`${door.url}/${fid}`)
			assert.equal(await read.text(), 'hello')
			assert.equal(read.headers.get('content-type'), 'text/x-greeting')
			assert.equal(read.headers.get('etag'), '"9a71bb4c"')
			assert.equal(read.headers.get('accept-ranges'), 'bytes')
			const again = await upload(`${door.url}/${fid}`, 'hello again', { method: 'POST' })
			assert.equal(again.status, 201)
			assert.equal(await (await fetch(`${door.url}/${fid}`)).text(), 'hello again')
			assert.deepEqual(plainFiles(door).length, 1, 'one file, whatever was uploaded to it')
			const removed = await fetch(`${door.url}/${fid}`, { method: 'DELETE' })
			assert.equal(removed.status, 202)
			assert.deepEqual(await removed.json(), { size: 11 })
			for (const method of ['GET', 'HEAD']) {
				const gone = await fetch(`${door.url}/${fid}`, { method })
				assert.equal(gone.status, 404)
				assert.equal(await gone.text(), '')
			}
			const twice = await fetch(`${door.url}/${fid}`, { method: 'DELETE' })
			assert.equal(twice.status, 404)
			assert.deepEqual(await twice.json(), { size: 0 })
			assert.deepEqual(plainFiles(door), [])
			assert.deepEqual(await door.driver.all('SELECT id FROM object'), [])
			assert.deepEqual(door.reports, [])
		})

		test('an object is a plain file at a path a person can read; removing it there is deleting it, moving it is not', async (t) => {
			const door = await open(t, engine, { nodes: 1 })
			const { fid } = await assign(door, '?collection=pictures')
			await upload(`${door.url}/${fid}`, '', { method: 'POST', body: form('photo', 'my photo.jpg', 'image/jpeg') })
			const key = fid.slice(fid.indexOf(',') + 1, -8)
			const path = `.blobs/pictures/${month()}/${key}_my photo.jpg`
			assert.equal(readFileSync(door.node(1, path), 'utf8'), 'photo')
			const file = await door.fetch(`/files/${encodeURI(path)}`)
			assert.equal(await file.text(), 'photo')
			const moved = await door.fetch(`/files/${encodeURI(path)}`, { method: 'MOVE', headers: { destination: '/files/kept.jpg' } })
			assert.ok(moved.status < 300, String(moved.status))
			const read = await fetch(`${door.url}/${fid}`)
			assert.equal(await read.text(), 'photo')
			assert.equal(read.headers.get('content-disposition'), 'inline; filename="my photo.jpg"')
			const put = await door.fetch('/files/kept.jpg', { method: 'PUT', body: 'other' })
			assert.ok(put.status < 300, String(put.status))
			const other = await fetch(`${door.url}/${fid}`)
			assert.equal(await other.text(), 'other', 'it is the name that the id means')
			assert.notEqual(other.headers.get('etag'), read.headers.get('etag'))
			assert.equal((await fetch(`${door.url}/${fid}`, { headers: { 'if-none-match': other.headers.get('etag') ?? '' } })).status, 304)
			assert.equal((await door.fetch('/files/kept.jpg', { method: 'DELETE' })).status, 204)
			assert.equal((await fetch(`${door.url}/${fid}`)).status, 404)
			assert.deepEqual(await door.driver.all('SELECT id FROM object'), [])
		})

		test('the five forms of an address, in both notations, with PUT and POST, raw and as a form', async (t) => {
			const door = await open(t, engine)
			for (const method of ['PUT', 'POST']) {
				for (const as of ['raw', 'form']) {
					const { fid } = await assign(door)
					const [volume, id] = fid.split(',')
					const content = randomBytes(3_000)
					const body = as === 'raw' ? new Uint8Array(content) : form(content, 'x.bin')
					const { status, said } = await upload(`${door.url}/${fid}`, '', { method, body })
					assert.equal(status, 201, JSON.stringify(said))
					assert.equal(said.size, content.length, `${method} ${as}`)
					for (const address of [fid, `${fid}.jpg`, `${volume}/${id}`, `${volume}/${id}.jpg`, `${volume}/${id}/name.jpg`, fid.toUpperCase(), fid.replace(',', '%2C'), `${fid}_0`]) {
						const read = await fetch(`${door.url}/${address}`)
						assert.equal(read.status, 200, address)
						assert.ok(Buffer.from(await read.arrayBuffer()).equals(content), address)
						assert.equal(read.headers.get('content-type'), address.endsWith('.jpg') && as === 'raw' ? 'image/jpeg' : 'application/octet-stream', address)
					}
					assert.equal((await fetch(`${door.url}/${volume}/${id}/name.jpg`, { method: 'DELETE' })).status, 202)
				}
			}
		})

		test('several at once: one cookie, keys that follow each other', async (t) => {
			const door = await open(t, engine)
			const { fid, count } = await assign(door, '?count=3')
			assert.equal(count, 3)
			for (const [index, suffix] of ['', '_1', '_2'].entries()) assert.equal((await upload(`${door.url}/${fid}${suffix}`, `content ${index}`)).status, 201)
			for (const [index, suffix] of ['', '_1', '_2'].entries()) assert.equal(await (await fetch(`${door.url}/${fid}${suffix}`)).text(), `content ${index}`)
			assert.equal((await upload(`${door.url}/${fid}_3`, 'x')).status, 404, 'that key was not given out')
			assert.equal((await fetch(`${door.url}/dir/assign?count=1001`)).status, 406)
			const many = await Promise.all(Array.from({ length: 50 }, () => assign(door, '?count=100')))
			const keys = many.map((each) => Number.parseInt(each.fid.slice(each.fid.indexOf(',') + 1, -8), 16)).sort((a, b) => a - b)
			for (let i = 1; i < keys.length; i++) assert.ok(keys[i] - keys[i - 1] >= 100, 'no key twice')
		})

		test('what was reserved and not used in time is not taken any more', async (t) => {
			const door = await open(t, engine)
			const { fid } = await assign(door)
			await door.driver.change('UPDATE object_reservation SET expires = 1')
			const { status, said } = await upload(`${door.url}/${fid}`, 'late')
			assert.equal(status, 404)
			assert.match(String(said.error), /not assigned/)
			assert.deepEqual(plainFiles(door), [])
		})

		test('an object whose time is over is gone', async (t) => {
			const door = await open(t, engine)
			const { fid } = await assign(door, '?ttl=3m')
			await upload(`${door.url}/${fid}`, 'short')
			assert.equal((await fetch(`${door.url}/${fid}`)).status, 200)
			const [{ left }] = await door.driver.all(`SELECT expires - ${door.driver.capabilities.now} AS \`left\` FROM object`)
			assert.ok(left > 120 && left <= 180, String(left))
			const { fid: other } = await assign(door)
			assert.equal((await upload(`${door.url}/${other}?ttl=1h`, 'longer')).status, 201)
			assert.equal((await upload(`${door.url}/${other}?ttl=1x`, 'wrong')).status, 400)
			await door.driver.change('UPDATE object SET expires = 1')
			for (const each of [fid, other]) assert.equal((await fetch(`${door.url}/${each}`)).status, 404)
		})

		test('two who upload to one id: it is the content of one of them, whole', async (t) => {
			const door = await open(t, engine)
			const second = await door.second()
			for (let round = 0; round < 5; round++) {
				const { fid } = await assign(door)
				const contents = Array.from({ length: 6 }, (_, index) => String(index).repeat(50_000 + index))
				const statuses = await Promise.all(contents.map(async (content, index) => (await upload(`${index % 2 ? door.url : second.addresses[0]}/${fid}`, content)).status))
				assert.ok(statuses.includes(201), String(statuses))
				for (const status of statuses) assert.ok([201, 409].includes(status), String(statuses))
				const text = await (await fetch(`${door.url}/${fid}`)).text()
				assert.ok(contents.includes(text))
			}
			const [{ files }] = await door.driver.all('SELECT COUNT(*) AS files FROM file WHERE kind = 8')
			assert.equal(Number(files), 5, 'nothing is left of those who lost')
		})

		test('nodes, volumes and the door in their words', async (t) => {
			const door = await open(t, engine)
			const { fid } = await assign(door, '?collection=c&ttl=3d')
			await upload(`${door.url}/${fid}`, '12345')
			const ask = async (path: string) => (await (await fetch(`${door.url}${path}`)).json()) as never
			const { Topology }: { Topology: { Max: number; DataCenters: Array<{ Id: string; Racks: Array<{ DataNodes: Array<{ Url: string; VolumeIds: string }> }> }>; Layouts: object[] } } = await ask('/dir/status')
			assert.deepEqual(Topology.DataCenters.map(({ Id }) => Id), ['zone1', 'zone2'])
			const volume = Number(fid.split(',')[0])
			assert.equal(Topology.DataCenters[0].Racks[0].DataNodes[0].Url, 'node1')
			assert.deepEqual(Topology.Layouts, [{ replication: '000', ttl: '3d', writables: [volume], collection: 'c', diskType: 'hdd' }])
			const { Volumes }: { Volumes: { DataCenters: Record<string, Record<string, Record<string, Array<Record<string, unknown>>>>> } } = await ask('/vol/status')
			const [{ Id, FileCount, Size, Collection, Ttl }] = Volumes.DataCenters.zone1.DefaultRack.node1
			assert.deepEqual({ Id, FileCount, Size, Collection, Ttl }, { Id: volume, FileCount: 1, Size: 5, Collection: 'c', Ttl: { Count: 3, Unit: 3 } })
			assert.deepEqual(await ask('/cluster/status'), { IsLeader: true, Leader: new URL(door.url).host, Peers: [], MaxVolumeId: volume })
			assert.deepEqual(await ask('/healthz'), {})
			assert.deepEqual(await ask('/vol/grow?count=4'), { count: 4 })
			const locations = [{ url: new URL(door.url).host, publicUrl: new URL(door.url).host }]
			assert.deepEqual(await ask(`/dir/lookup?volumeId=${volume}`), { volumeId: String(volume), volumeOrFileId: String(volume), locations })
			assert.deepEqual(await ask(`/dir/lookup?fileId=${fid}`), { volumeId: String(volume), volumeOrFileId: fid, locations })
			const unknown = await fetch(`${door.url}/dir/lookup?volumeId=9`)
			assert.equal(unknown.status, 404)
			assert.deepEqual(await unknown.json(), { volumeId: '9', volumeOrFileId: '9', error: 'volume id 9 not found' })
			assert.equal((await fetch(`${door.url}/dir/lookup?volumeId=x`)).status, 400)
			const pretty = await (await fetch(`${door.url}/cluster/status?pretty=y`)).text()
			assert.match(pretty, /^\{\n {2}"IsLeader": true,\n/)
			const posted = await fetch(`${door.url}/dir/assign`, { method: 'POST', body: new URLSearchParams({ count: '2', collection: 'd' }) })
			assert.equal(((await posted.json()) as Assigned).count, 2)
		})

		test('submit, and deleting a collection', async (t) => {
			const door = await open(t, engine, { nodes: 1 })
			for (const name of ['a.txt', 'b.txt']) {
				const response = await fetch(`${door.url}/submit?collection=c`, { method: 'POST', body: form(name, name) })
				assert.equal(response.status, 201)
				const { fid, fileUrl, fileName, size } = (await response.json()) as Record<string, string>
				assert.equal(fileName, name)
				assert.equal(Number(size), 5)
				assert.equal(fileUrl, `${new URL(door.url).host}/${fid}`)
				assert.equal(await (await fetch(`http://${fileUrl}`)).text(), name)
			}
			const { fid } = await assign(door)
			await upload(`${door.url}/${fid}`, 'stays')
			assert.equal((await fetch(`${door.url}/submit`)).status, 405)
			assert.equal((await fetch(`${door.url}/col/delete?collection=c`)).status, 401, 'not for anybody')
			assert.equal((await door.fetch('/col/delete?collection=none')).status, 400)
			assert.equal((await door.fetch('/col/delete')).status, 400)
			assert.equal((await door.fetch('/col/delete?collection=c')).status, 204)
			assert.deepEqual(plainFiles(door).map((path) => path.split('/')[0]), ['default'])
			assert.equal((await door.driver.all('SELECT id FROM object')).length, 1)
			assert.equal(await (await fetch(`${door.url}/${fid}`)).text(), 'stays')
			assert.equal((await door.fetch('/col/delete?collection=default')).status, 204)
			const { fid: next } = await assign(door)
			assert.equal((await upload(`${door.url}/${next}`, 'its directory is made again')).status, 201)
			const renamed = await door.fetch('/files/.blobs/default', { method: 'MOVE', headers: { destination: '/files/elsewhere' } })
			assert.ok(renamed.status < 300)
			const { fid: another } = await assign(door)
			assert.equal((await upload(`${door.url}/${another}`, 'not where the old one went')).status, 201)
			assert.deepEqual(plainFiles(door).length, 1)
			for (const each of [next, another]) assert.equal((await fetch(`${door.url}/${each}`)).status, 200)
		})
	})
}
