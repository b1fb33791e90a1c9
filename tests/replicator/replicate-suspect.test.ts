/** A copy that replicate found to be bad is put right later: verify gives it up for a new one. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { verify } from '../../replicator/verify/verify.ts'
import { installation } from '../unit/installation.ts'
import { copiedFile, putCopy, runOn, setCopy, states } from './copies.ts'

const { good, wanted, suspect } = REPLICA

test('a copy found bad by replicate is wanted again after verify, and then copied', async (t) => {
	const place = await installation(t, 3, [{ name: 'default', pattern: '', copies: 3 }])
	const client = await place.start()
	const { fs, catalogue } = client
	const id = await copiedFile(place, client, 'f', 'text', [1, 2])
	await setCopy(catalogue, id, 3, wanted)
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
	for (const [number, latencyMs] of [
		[1, 0],
		[2, 50],
	]) {
		const node = fs.nodes.get(number)
		if (node) node.health.read.ms = latencyMs
	}
	assert.deepEqual((await runOn(fs, 3, replicate())).outcomes, { copied: 1 })
	assert.deepEqual(states(place, id), { 1: suspect, 2: good, 3: good })
	assert.deepEqual((await runOn(fs, 1, verify())).outcomes, { damaged: 1 })
	assert.deepEqual(states(place, id), { 1: wanted, 2: good, 3: good })
	assert.deepEqual((await runOn(fs, 1, replicate())).outcomes, { copied: 1 })
	assert.equal(disk.readFileSync(place.node(1, 'f'), 'utf8'), 'text')
})
