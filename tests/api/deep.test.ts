/** Trees that are deep, or wide: others are served while one of them is copied, or made on a node. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { ANYBODY, ask, type Sent } from './dialects.ts'
import { openDoor, type TestDoor } from './door.ts'

const LEVELS = 240
const DEEP = `/files/${'d/'.repeat(LEVELS)}`

/** How often the door, which is in this process, let others have their turn meanwhile. */
async function turnsOf(door: TestDoor, sent: Sent): Promise<number> {
	let turns = 0
	let isOver = false
	const count = () => {
		turns++
		if (!isOver) setImmediate(count)
	}
	count()
	const { status } = await ask(door, sent)
	isOver = true
	assert.equal(status, 201)
	return turns
}

test('others are served while a tree is copied that is deep, or wide', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	await turnsOf(door, { method: 'PUT', target: `${DEEP}f` })
	await turnsOf(door, { method: 'MKCOL', target: '/files/w' })
	for (let number = 0; number < LEVELS; number++) await turnsOf(door, { method: 'MKCOL', target: `/files/w/${number}` })
	for (const [source, least] of [['d', LEVELS], ['w', LEVELS / 20]] as const) {
		const turns = await turnsOf(door, { method: 'COPY', target: `/files/${source}`, headers: { destination: `/files/${source}-copy` } })
		assert.ok(turns > least, `${source}: ${turns}`)
	}
})

test('others are served while the directories above a file are made on a node', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	await turnsOf(door, { method: 'PUT', target: `${DEEP}f` })
	const before = await turnsOf(door, { method: 'PUT', target: `${DEEP}g` })
	rmSync(door.node(1, 'd'), { recursive: true })
	const turns = await turnsOf(door, { method: 'PUT', target: `${DEEP}h` })
	assert.ok(turns > before + LEVELS / 40, `${turns}, ${before} where they are there`)
})
