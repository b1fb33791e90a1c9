/** Directories that are read a page at a time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pages } from '../../api/tree/pages.ts'

const named = (names: readonly string[]) => names.map((name) => ({ name: Buffer.from(name) }))

async function read(names: readonly string[], rows: number) {
	const asked: string[] = []
	const got: string[][] = []
	let turns = 0
	let isOver = false
	const turn = () => {
		turns++
		if (!isOver) setImmediate(turn)
	}
	setImmediate(turn)
	const list = (after: Buffer, limit: number) => {
		asked.push(after.toString())
		return named(names.filter((name) => name > after.toString()).slice(0, limit))
	}
	for await (const page of pages(rows, list)) got.push(page.map(({ name }) => name.toString()))
	isOver = true
	return { got, asked, turns }
}

test('every name once, in pages, and none where there is none', async () => {
	assert.deepEqual((await read([], 2)).got, [])
	assert.deepEqual((await read(['a'], 2)).got, [['a']])
	assert.deepEqual(await read(['a', 'b', 'c'], 2).then(({ got, asked }) => ({ got, asked })), { got: [['a', 'b'], ['c']], asked: ['', 'b'] })
	assert.deepEqual((await read(['a', 'b', 'c', 'd'], 2)).got, [['a', 'b'], ['c', 'd']])
})

test('the loop has its turn between two pages', async () => {
	const { got, turns } = await read(Array.from({ length: 50 }, (_, index) => String.fromCharCode(100 + index)), 1)
	assert.equal(got.length, 50)
	assert.ok(turns >= 49, `${turns} turns`)
})
