/** A node on which one call in twenty fails: of what could not be seen nothing is concluded, and the next walk that sees all finds all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import type { NodeOperations } from '../../core/nodes/node.ts'
import { beforeComparing, change, ground, walkOn } from '../replicator/walked.ts'
import { checkTree } from '../support/check-tree.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const DIRECTORIES = 40
const FILES = 12
const CHANCE = 0.05
const FAULTY = ['list', 'stat', 'open', 'fstat'] as const

for (const rehash of [false, true]) {
	test(`one call in twenty fails under a walk${rehash ? ' that reads everything' : ''}`, async (t) => {
		const place = await ground(t)
		const { client, put, walk, rows, conflicts } = place
		for (let file = 0; file < DIRECTORIES * FILES; file++) put(1, `d${file % DIRECTORIES}/e${file % 3}/f${file}`, `text ${file}`)
		assert.equal((await walk()).outcomes.adopted, DIRECTORIES * FILES)
		const before = rows('SELECT * FROM replica ORDER BY file_id')
		const entries = rows('SELECT * FROM entry ORDER BY parent_id, name')

		const seed = seedOfRun()
		t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
		const random = randomFrom(seed)
		let [faults, isWell] = [0, false]
		const isFault = () => {
			const now = !isWell && random.chance(CHANCE)
			if (now) faults++
			return now
		}
		change(client, 1, (own) => {
			const faulty = FAULTY.map((name) => {
				const call = own[name] as (...words: unknown[]) => unknown
				return [name, (...words: unknown[]) => (isFault() ? fail('EIO') : call(...words))]
			})
			const statNames: NodeOperations['statNames'] = async (directory, names) =>
				(await own.statNames(directory, names)).map((stat) => (isFault() ? 'EIO' : stat))
			return { ...Object.fromEntries(faulty), statNames }
		})
		// Where a directory cannot be seen as a whole it is looked at name by name.
		beforeComparing(client, () => isWell)
		for (let times = 0; times < 3; times++) {
			const { troubles } = await walkOn(client, 1, { rehash }).catch(({ message }: Error) => ({ troubles: [message] }))
			assert.ok(troubles.length > 0, 'what could not be looked at is said')
			assert.deepEqual(
				rows('SELECT file_id, version, state FROM replica ORDER BY file_id'),
				before.map(({ file_id, version, state }) => ({ file_id, version, state })),
			)
			assert.deepEqual(rows('SELECT * FROM entry ORDER BY parent_id, name'), entries)
		}
		assert.ok(faults > 10, `${faults} calls failed`)

		isWell = true
		assert.deepEqual((await walk(1, { rehash })).outcomes, { [rehash ? 'proved' : 'known']: DIRECTORIES * FILES })
		assert.deepEqual(conflicts(), [])
		assert.deepEqual(await checkTree(`${place.directory}/catalogue.db`), [])
	})
}
