/** Lists for people, which may be long. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { table } from '../../cli/table.ts'

test('as many rows as there are', () => {
	const many = 200_000
	const lines = table(['ID', 'NAME'], Array.from({ length: many }, (_, index) => [`${index}`, index === 7 ? 'a longer one' : 'x']))
	assert.equal(lines.length, many + 1)
	assert.deepEqual([lines[0], lines[1], lines[8], lines[many]], ['    ID  NAME', '     0  x', '     7  a longer one', `${many - 1}  x`])
})
