/** One holder at a time, whoever comes first and however many come at once. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Holder } from '../../core/catalogue/leases.ts'
import * as leases from '../../core/catalogue/leases.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines, open, ready } from './engines.ts'

const HOLDERS = 8
const EVERYBODY = new Set(Array.from({ length: HOLDERS }, (_, index) => index + 1))

async function holders(t: TestContext, engine: Engine): Promise<Holder[]> {
	const { address } = await ready(t, engine)
	return Promise.all([...EVERYBODY].map(async (client) => holder(client, await open(t, address))))
}

function holder(client: number, catalogue: Holder['catalogue']): Holder {
	return { client, catalogue, capabilities: catalogue.capabilities }
}

function take(by: Holder, name: string, running: ReadonlySet<number> = EVERYBODY, seconds = 60) {
	return run(
		leases.take(by, name, seconds, function* (_tx, client) {
			return running.has(client)
		}),
	)
}
const isHeld = (by: Holder, name: string) => by.catalogue.transaction((tx) => leases.stillHeld(by, tx, name))

for (const engine of engines) {
	describe(engine.name, () => {
		test('of many who ask at once for what nobody has had, one has it', async (t) => {
			const all = await holders(t, engine)
			for (let round = 0; round < 20; round++) {
				const taken = await Promise.all(all.map(async (each) => take(each, `lease ${round}`)))
				assert.equal(taken.filter(Boolean).length, 1, `round ${round}: ${taken}`)
				const held = await Promise.all(all.map(async (each) => isHeld(each, `lease ${round}`)))
				assert.deepEqual(held, taken)
			}
		})

		test('the holder renews it; another gets it when it is over, given back, or its holder is gone', async (t) => {
			const [first, second] = (await holders(t, engine)) as [Holder, Holder]
			assert.equal(await take(first, 'a'), true)
			assert.equal(await take(second, 'a'), false)
			assert.equal(await take(first, 'a'), true)
			assert.equal(await run(leases.holderOf(second, 'a')), first.client)
			assert.equal(await take(second, 'a', new Set([second.client])), true, 'the holder is gone')
			assert.equal(await isHeld(first, 'a'), false)
			await take(first, 'b', EVERYBODY, -1)
			assert.equal(await isHeld(first, 'b'), false, 'over')
			assert.equal(await take(second, 'b'), true)
			await second.catalogue.transaction(function* (tx) {
				leases.drop(tx, 'b')
			})
			assert.equal(await take(first, 'b'), true)
		})
	})
}
