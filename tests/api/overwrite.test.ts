/** Content that replaces other content: what a client may compare is looked up only for one that compares. */
import assert from 'node:assert/strict'
import { StatementSync } from 'node:sqlite'
import { test } from 'node:test'
import { ANYBODY, ask, dialects } from './dialects.ts'
import { openDoor } from './door.ts'

const COMPARED = /hash_version.*AS written FROM file f WHERE f\.id = \+\?$/

test('an overwrite without a condition asks for nothing to compare', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const looked: string[] = []
	const { get } = StatementSync.prototype
	t.mock.method(StatementSync.prototype, 'get', function (this: StatementSync, ...params: Parameters<typeof get>) {
		if (COMPARED.test(this.sourceSQL)) looked.push(this.sourceSQL)
		return get.apply(this, params)
	})
	for (const dialect of dialects.filter(({ name }) => name !== 'hercules')) {
		const { write, read } = await dialect.prepare(door, `f-${dialect.name}`, 'before')
		looked.length = 0
		for (const content of ['first', 'second']) assert.ok((await ask(door, { ...write, body: content })).status < 300, dialect.name)
		assert.deepEqual([looked.length, (await ask(door, read)).body.toString()], [0, 'second'], dialect.name)
	}
	looked.length = 0
	const compared = await ask(door, { method: 'PUT', target: '/files/f-files', body: 'third', headers: { 'if-match': '*' } })
	assert.deepEqual([compared.status, looked.length > 0], [200, true], 'it would have been seen')
})
