/** A mount beside a door: objects are files there, and what is done to those files is done to the objects. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApi } from '../../api/start.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { config } from '../catalogue/engines.ts'
import { checkTree } from '../support/check-tree.ts'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'

for (const catalogue of ['sqlite', 'mariadb'] as const) {
	test(`${catalogue}: seen, changed, moved and removed through the mount; written by one dialect, read by all`, async () => {
		const up = await startUp({ catalogue, nodes: 2 })
		const said = withDefaults({ ...config(up.catalogue), api: { listen: [{ at: '127.0.0.1:0', anybody: 'write' }] } })
		const door = await startApi(said, () => undefined)
		const [url] = door.addresses
		const get = async (path: string) => {
			const response = await fetch(url + path)
			return response.status === 200 ? await response.text() : response.status
		}
		try {
			await withHands(async (hands) => {
				const { fid } = (await (await fetch(`${url}/dir/assign?collection=c`)).json()) as { fid: string }
				const made = await fetch(`${url}/${fid}`, { method: 'PUT', body: 'content', headers: { 'content-disposition': 'filename="x.txt"' } })
				assert.equal(made.status, 201)
				const [key] = [fid.slice(fid.indexOf(',') + 1, -8)]
				const name = `.blobs/c/${new Date().toISOString().slice(0, 7).replace('-', '/')}/${key}_x.txt`
				const path = `${up.mountPoint}/${name}`
				await until('the mount shows it', async () => (await hands.do('exists', path)) || undefined)
				assert.equal(Buffer.from(await hands.do('read', path)).toString(), 'content')
				for (const address of [`/files/${name}`, `/file?path=${name}`, `/api/v1/read?path=/${name}`, `/${fid}`]) assert.equal(await get(address), 'content', address)
				const before = (await fetch(`${url}/${fid}`)).headers.get('etag')
				await hands.do('write', path, 'written through the mount')
				await until('the door reads what the mount wrote', async () => (await get(`/${fid}`)) === 'written through the mount' || undefined)
				assert.notEqual((await fetch(`${url}/${fid}`)).headers.get('etag'), before)
				await hands.do('rename', path, `${up.mountPoint}/moved.txt`)
				await until('it keeps its id', async () => (await get(`/${fid}`)) === 'written through the mount' || undefined)
				await hands.do('unlink', `${up.mountPoint}/moved.txt`)
				await until('its id is gone with it', async () => (await get(`/${fid}`)) === 404 || undefined)
			})
		} finally {
			await door.stop()
			await up.stop()
		}
		try {
			assert.deepEqual(await checkTree(up.catalogue), [])
		} finally {
			await up.remove()
		}
	})
}
