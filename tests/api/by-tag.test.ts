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
