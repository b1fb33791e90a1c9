/** While a site fetches: the node that is read from hangs, the catalogue is away. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { authorizationOf, NO_BODY } from '../../core/off-site/signature.ts'
import { placeAgent } from '../backup/agent.ts'
import { mariadb } from '../catalogue/engines.ts'
import { startMariadb } from '../support/mariadb.ts'
import { until } from '../support/until.ts'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'
import { openKeeper } from './keeper.ts'

const NODE_DEADLINE_MS = 500
/** A minute where it is wanted. */
const AWAY_MS = Number(process.env['CAIRN_TEST_AWAY_MS'] ?? 4_000)

test('a node that hangs in the middle of a download: what comes is whole, from another copy', async (t) => {
	const away = mkdtempSync(join(tmpdir(), 'cairn-hung-'))
	t.after(() => rmSync(away, { recursive: true, force: true }))
	let far: SshfsMount | undefined
	t.after(() => far?.stop())
	const keeper = await openKeeper(t, {
		nodes: 2,
		config: { nodeDeadlineMs: NODE_DEADLINE_MS, classes: [{ name: 'default', pattern: '', copies: 2, offsite: 1 }] },
		async mount(path, number) {
			if (number === 1) far = await mountSshfs(away, path)
		},
	})
	const attic = await keeper.site('attic', { rates: [{ hours: '', bytesPerSecond: 4_000_000 }] })
	const content = randomBytes(8_000_000)
	const id = await keeper.put('large', content)
	for (const number of [1, 2]) writeFileSync(keeper.node(number, 'large'), content)
	await keeper.driver.change('DELETE FROM replica WHERE file_id = ?', [id])
	for (const node of [1, 2]) await keeper.driver.change('INSERT INTO replica (file_id, node_id, version, state) VALUES (?,?,1,1)', [id, node])
	await keeper.feed()
	const only = async (state: string) => {
		await keeper.driver.change("UPDATE node SET state = ? WHERE name = 'node2'", [state])
		await keeper.reload()
	}
	await only('down')
	// On a busy machine the one that is left may be taken for away for a moment.
	const [file] = await until('the file is to be fetched', async () => {
		const { body } = await attic.ask('POST', '/backup/v1/lease', { body: {} })
		return body.files.length > 0 ? body.files : undefined
	})
	const path = `/backup/v1/file/${id}/${file.version}`
	const signed = { method: 'GET', target: path, site: attic.name, agent: attic.agent, time: String(Math.floor(Date.now() / 1000)), nonce: crypto.randomUUID(), body: NO_BODY }
	const sent = get(`${keeper.url}${path}`, { headers: { authorization: authorizationOf(attic.key, signed) }, agent: false })
	const [answer] = await once(sent, 'response')
	const hash = createHash('sha256')
	let bytes = 0
	for await (const chunk of answer as AsyncIterable<Buffer>) {
		if (bytes === 0) {
			await only('rw')
			far?.hang()
		}
		hash.update(chunk)
		bytes += chunk.length
	}
	assert.equal(bytes, content.length)
	assert.equal(hash.digest('hex'), createHash('sha256').update(content).digest('hex'))
	assert.ok(keeper.reports.some((line) => /node1/.test(line)), keeper.reports.join('\n'))
})

test('the catalogue is away while an agent runs: it waits, goes on, and everything is proved', async (t) => {
	const keeper = await openKeeper(t, { engine: mariadb, config: { catalogueTimeoutMs: 500 } })
	const { key } = await keeper.site('attic', { rates: [{ hours: '', bytesPerSecond: 300_000 }], filesPerBatch: 10 })
	for (let n = 0; n < 40; n++) await keeper.put(`f${n}`, randomBytes(30_000))
	await keeper.feed()
	const agent = await placeAgent(keeper.url, { key })
	t.after(() => agent.remove())
	const { ended } = agent.start('-a', 'replicate', '-v')
	while (agent.paths().length < 5) await sleep(50)
	const pid = (await startMariadb()).pid() as number
	process.kill(pid, 'SIGSTOP')
	await sleep(AWAY_MS).finally(() => process.kill(pid, 'SIGCONT'))
	const { code, err } = await ended
	assert.equal(code, 0, err)
	// What broke off is wanted again, by this run or the next.
	const again = await agent.run('-a', 'replicate')
	assert.equal(again.code, 0, again.err)
	const rows = await keeper.driver.all<{ state: number; many: number }>('SELECT state, COUNT(*) AS many FROM backup GROUP BY state')
	assert.deepEqual(rows.map(({ state, many }) => [state, Number(many)]), [[4, 40]])
	assert.equal(agent.paths().length, 40)
})
