/** What is counted for a keeper who looks: however much there is, no question is about more than a part of it, for none may take longer than a database may. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import * as classes from '../../core/catalogue/classes.ts'
import type { Driver } from '../../core/catalogue/driver.ts'
import { run } from '../../core/op.ts'
import { catalogueFamilies } from '../../core/metrics/catalogue-families.ts'
import * as proofs from '../../core/catalogue/proofs.ts'
import * as sites from '../../core/catalogue/sites.ts'
import { owedOffsite } from '../../core/off-site/owed.ts'
import { mariadb, ready } from './engines.ts'
import { asking } from './rows-read.ts'

const FILES = 24_000
const FIRST_ID = 1_000
const SEQUENCE = `seq_0_to_${FILES - 1}`

async function filled(t: TestContext): Promise<Driver> {
	const { driver } = await ready(t, mariadb)
	await driver.script(`INSERT INTO class (id, name, position, pattern, copies, offsite) VALUES (101, 'one', 101, 'x', 1, 1), (102, 'two', 102, 'x', 1, 2)`)
	await driver.script(`INSERT INTO file (id, kind, mode, uid, gid, nlink, size, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version, class_id)
		SELECT ${FIRST_ID} + seq, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 101 + seq % 2 FROM ${SEQUENCE}`)
	return driver
}

test('mariadb: copies for sites to fetch, each file once', async (t) => {
	const driver = await filled(t)
	await driver.transaction(function* (tx) {
		for (const name of ['attic', 'barn']) sites.insert(tx, { name, sealed_key: Buffer.alloc(1), state: 'active', settings: '{}' }, driver.capabilities)
	})
	// Of each eight files four are in need of one copy, two of two, one of one more, and one is at both sites.
	const backup = (site: number, where: string, rest: string) =>
		driver.script(`INSERT INTO backup (file_id, site_id, since, state, copies) SELECT ${FIRST_ID} + seq, ${site}, 0, ${rest} FROM ${SEQUENCE} WHERE ${where}`)
	await backup(1, 'seq % 4 < 3', '1, 0')
	await backup(2, 'seq % 4 < 3', 'IF(seq % 8 = 0, 5, 1), 0')
	await backup(1, 'seq % 4 = 3', '4, 1')
	await backup(2, 'seq % 4 = 3 AND seq % 8 = 3', '1, 1')
	await backup(2, 'seq % 4 = 3 AND seq % 8 = 7', '4, 1')
	// One is gone, and that is yet to be noticed.
	await driver.script(`DELETE FROM file WHERE id = ${FIRST_ID}; ANALYZE TABLE backup`)
	const rules = await classes.list(driver)
	const { answer, most } = await asking(driver, (asked) => owedOffsite(asked, rules))
	assert.equal(answer, FILES / 2 - 1 + (FILES / 4) * 2 + FILES / 8)
	assert.ok(most < 65_000, `${most} rows were read by one question`)
})

/** On three nodes, one half proved. */
async function copied(driver: Driver): Promise<void> {
	for (const node of [1, 2, 3]) {
		await driver.change(`INSERT INTO node (id, name, path, uuid) VALUES (${node}, 'node${node}', '/${node}', 'u${node}')`)
		await driver.script(`INSERT INTO replica (file_id, node_id, version, state, verified_at)
			SELECT ${FIRST_ID} + seq, ${node}, 1, IF(seq % 6 = 0, ${node}, 1), IF(seq % 2 = 0, NULL, 1000 * ${node} + seq) FROM ${SEQUENCE}`)
	}
	await driver.script('ANALYZE TABLE replica')
}

test('mariadb: metrics cost nothing of what copies there are', async (t) => {
	const driver = await filled(t)
	await copied(driver)
	const { answer, most } = await asking(driver, async (asked) => await run(catalogueFamilies(asked)))
	const ages = answer.find(({ name }) => name === 'cairn_oldest_proof_age_seconds')?.samples.map(({ labels, value }) => [labels.node, Math.floor(Date.now() / 1_000) - value])
	assert.deepEqual(ages?.map(([node, at]) => [node, Math.round(Number(at) / 100) * 100]), [['node1', 1_000], ['node2', 2_000], ['node3', 3_000]])
	assert.ok(most < 1_000, `${most} rows were read by one question`)
})

test('mariadb: how well copies are proved, each copy once', async (t) => {
	const driver = await filled(t)
	await copied(driver)
	const { answer, most } = await asking(driver, async (asked) => await proofs.standings(asked))
	assert.deepEqual(answer.map(({ node_id, copies, never, suspect, oldest }) => [node_id, copies, never, suspect, oldest]), [
		[1, FILES, FILES / 2, 0, 1_001],
		[2, FILES - FILES / 6, FILES / 2 - FILES / 6, 0, 2_001],
		[3, FILES, FILES / 2, FILES / 6, 3_001],
	])
	assert.ok(most < 60_000, `${most} rows were read by one question`)
})
