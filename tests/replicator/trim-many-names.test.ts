/** Where links are many (backups of yesterday beside those of today), a node can be emptied too. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { link } from '../../core/filesystem/links.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { at, installation, now } from '../unit/installation.ts'
import { copiedFile, runOn, setCopy } from './copies.ts'

const NAMES = 1_100

test('a surplus copy with more than a thousand names goes', async (t) => {
	const place = await installation(t, 2)
	const { fs, catalogue } = await place.start()
	const id = await copiedFile(place, { fs, catalogue } as never, 'f', 'text', [1, 2])
	for (let number = 1; number < NAMES; number++) now(link(fs, id, at(`l${number}`)))
	await setCopy(catalogue, id, 2, REPLICA.surplus)
	const { outcomes, notes } = await runOn(fs, 2, trim())
	assert.deepEqual([outcomes, notes], [{ removed: 1 }, []])
	assert.deepEqual([1, 2].map((number) => disk.readdirSync(place.node(number)).length), [NAMES + 1, 1])
	assert.deepEqual(place.rows('SELECT * FROM intent'), [])
})
