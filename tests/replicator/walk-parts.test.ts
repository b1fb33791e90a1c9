/** A directory of very many new files: what is found in it is entered in parts, and not held until its end. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ground } from './walked.ts'

const FILES = 2_600
const PART_MAX = 2_000

for (const known of [true, false]) {
	test(`a ${known ? 'known' : 'new'} directory`, async (t) => {
		const place = await ground(t, 1)
		mkdirSync(join(place.node(1), 'd'))
		if (known) await place.walk(1)
		for (let index = 0; index < FILES; index++) writeFileSync(join(place.node(1), `d/${index}`), '')
		const { catalogue } = place.client.fs
		const { transaction } = catalogue
		const many = () => place.rows('SELECT COUNT(*) AS many FROM replica')[0].many as number
		const sizes: number[] = []
		catalogue.transaction = (...args) => {
			sizes.push(many())
			return transaction(...args)
		}
		assert.deepEqual((await place.walk(1)).troubles, [])
		sizes.push(many())
		assert.equal(sizes.at(-1), FILES)
		assert.ok(sizes.every((size, at) => size - (sizes[at - 1] ?? 0) <= PART_MAX), `${[...new Set(sizes)]}`)
	})
}
