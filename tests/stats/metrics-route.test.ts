/** `/metrics` over HTTP. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insertQuery } from '../../core/catalogue/conflicts.ts'
import { openDoor } from '../api/door.ts'
import { engines } from '../catalogue/engines.ts'

for (const engine of engines) {
	test(`${engine.name}: metrics for those who may read everything`, async (t) => {
		const door = await openDoor(t, { engine })
		const found = { path: Buffer.from('f'), aside: null, fileId: 0, reason: 'stray' as const, size: 1, mtime: 1 }
		for (const nodeId of [1, 1, 2]) await door.driver.change(...insertQuery({ ...found, nodeId }, door.driver.capabilities))
		const token = await door.token('read')
		const partly = await door.token('read', { paths: ['/some'] })
		assert.equal((await fetch(`${door.url}/metrics`)).status, 401)
		assert.equal((await fetch(`${door.url}/metrics`, { headers: { authorization: `Bearer ${partly}` } })).status, 403)
		const answer = await fetch(`${door.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
		assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
		const text = await answer.text()
		for (const line of [/^cairn_http_seconds_count\{process="api",pid="\d+",part="metrics",status="4xx"\} [1-9]/m, /^cairn_node_up\{process="api",.*node="node1"\} 1$/m, /^cairn_catalogue_up 1$/m, /^cairn_conflicts\{node="node1"\} 2$/m, /^cairn_conflicts\{node="node2"\} 1$/m]) {
			assert.ok(line.test(text), String(line))
		}
		assert.equal(text.split('\n').filter((line) => line.startsWith('# TYPE cairn_node_up')).length, 1)
	})
}
