/** Several who remove copies at once, killed and stopped at any moment: never fewer than the class asks for. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { run } from '../../core/op.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { type Installation, installation } from '../unit/installation.ts'
import { copiedFile, holders, runOn, setCopy, states } from './copies.ts'

const { good, wanted, surplus } = REPLICA
const KEEPER = fileURLToPath(new URL('./keeper.ts', import.meta.url))
const TWO = [{ name: 'two', pattern: '', copies: 2 }]
const NODES = [1, 2, 3]

interface Keeper {
	child: ChildProcess
	line(): Promise<string>
	kill(): Promise<void>
}

function keep(t: TestContext, place: Installation, node: number, how: 'again' | 'once'): Keeper {
	const child = spawn(process.execPath, [KEEPER, join(place.directory, 'catalogue.db'), `${node}`, how], {
		stdio: ['ignore', 'pipe', 'inherit'],
	})
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
	const line = async () => `${(await lines.next()).value}`
	const kill = async () => {
		if (child.exitCode !== null || child.signalCode !== null) return
		const ended = once(child, 'exit')
		child.kill('SIGKILL')
		await ended
	}
	t.after(kill)
	return { child, line, kill }
}

test('one who stood still longer than its lease does nothing: the copy it was to remove is needed by now', {
	timeout: 60_000,
}, async (t) => {
	const place = await installation(t, 3, TWO)
	const client = await place.start()
	const { fs, catalogue } = client
	const id = await copiedFile(place, client, 'f', 'text', NODES)
	await setCopy(catalogue, id, 3, surplus)
	const keeper = keep(t, place, 3, 'once')
	assert.equal(await keeper.line(), 'ready')
	assert.equal(await keeper.line(), 'seen')
	// It stands still now, having seen good copies on 1 and 2. Its lease runs out, and everything turns round.
	await catalogue.change("UPDATE lease SET until_at = 0 WHERE name = 'trim:3'")
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
	await catalogue.change('INSERT INTO replica (file_id, node_id, version, state) VALUES (?, 3, 0, ?)', [id, wanted])
	assert.deepEqual((await runOn(fs, 3, replicate())).outcomes, { copied: 1 })
	await setCopy(catalogue, id, 2, surplus)
	assert.deepEqual((await runOn(fs, 2, trim())).outcomes, { removed: 1 })
	await catalogue.change('UPDATE replica SET state = 4 WHERE file_id = ? AND node_id = 3', [id])
	keeper.child.kill('SIGCONT')
	const outcomes = JSON.parse(await keeper.line())
	assert.equal(outcomes.removed, undefined)
	assert.deepEqual(holders(place, 'f', 'text'), [1, 3])
})

test('one whose lease lasts, and for whom another copy went between the last look and the decision: it asks again', {
	timeout: 60_000,
}, async (t) => {
	const place = await installation(t, 3, TWO)
	const client = await place.start()
	const { fs, catalogue } = client
	const id = await copiedFile(place, client, 'f', 'text', NODES)
	await setCopy(catalogue, id, 3, surplus)
	const keeper = keep(t, place, 3, 'once')
	assert.equal(await keeper.line(), 'ready')
	assert.equal(await keeper.line(), 'seen')
	// What it has seen is true until it stands still; then the copy on 2 goes, because 1 and 3 have it, and 3 is surplus once more.
	await setCopy(catalogue, id, 3, good)
	await setCopy(catalogue, id, 2, surplus)
	assert.deepEqual((await runOn(fs, 2, trim())).outcomes, { removed: 1 })
	await catalogue.change('UPDATE replica SET state = 4 WHERE file_id = ? AND node_id = 3', [id])
	keeper.child.kill('SIGCONT')
	assert.equal(JSON.parse(await keeper.line()).removed, undefined)
	assert.deepEqual(holders(place, 'f', 'text'), [1, 3])
})

const FILES = 60
const CHURN_MS = 7_000

test('trims and copies in parallel, copies declared surplus and wanted at random, SIGKILL: never fewer than two', {
	timeout: 120_000,
}, async (t) => {
	const place = await installation(t, 3, TWO)
	const client = await place.start()
	const { fs, catalogue } = client
	const seed = seedOfRun()
	t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	const files = new Map<number, { name: string; text: string }>()
	for (let number = 0; number < FILES; number++) {
		const file = { name: `f${number}`, text: `content of ${number}` }
		files.set(await copiedFile(place, client, file.name, file.text, NODES), file)
	}
	const ids = [...files.keys()]
	const keepers = new Map(NODES.map((node) => [node, keep(t, place, node, 'again')]))
	for (const keeper of keepers.values()) assert.equal(await keeper.line(), 'ready')

	let kills = 0
	let looks = 0
	const endsMs = performance.now() + CHURN_MS
	let killsMs = performance.now()
	while (performance.now() < endsMs) {
		for (let turn = 0; turn < 30; turn++) await churn(random.pick(ids))
		for (let turn = 0; turn < 20; turn++, looks++) check(random.pick(ids))
		if (performance.now() - killsMs > 600) {
			const node = random.pick(NODES)
			await keepers.get(node)?.kill()
			keepers.set(node, keep(t, place, node, 'again'))
			kills++
			killsMs = performance.now()
		}
		await new Promise((resolve) => setTimeout(resolve, 5))
	}
	for (const keeper of keepers.values()) await keeper.kill()
	t.diagnostic(`${looks} looks, ${kills} kills`)
	const said = await calm()
	for (const [id, { name, text }] of files) {
		const states_ = states(place, id)
		assert.deepEqual(Object.values(states_), [good, good], `${name}: ${JSON.stringify(states_)}, on ${holders(place, name, text)}\n${said.join('\n')}`)
		assert.deepEqual(holders(place, name, text), Object.keys(states_).map(Number), name)
	}

	/** As whoever levels nodes does it, and now and then as nobody should. */
	async function churn(id: number): Promise<void> {
		const rash = random.chance(0.25)
		await catalogue.transaction(function* (tx) {
			const rows = tx.all('SELECT node_id, state FROM replica WHERE file_id = ?', [id]) as Array<{
				node_id: number
				state: number
			}>
			const goods = rows.filter((row) => row.state === good)
			const missing = NODES.filter((node) => !rows.some((row) => row.node_id === node))
			const spare = rows.find((row) => row.state === surplus)
			if (spare && random.chance(0.3)) {
				tx.write('UPDATE replica SET state = 1 WHERE file_id = ? AND node_id = ?', [id, spare.node_id])
			} else if (goods.length === 3 || (rash && goods.length === 2)) {
				tx.write('UPDATE replica SET state = 4 WHERE file_id = ? AND node_id = ?', [id, random.pick(goods).node_id])
			} else if (missing.length > 0) {
				tx.write('INSERT INTO replica (file_id, node_id, version, state) VALUES (?, ?, 0, 2)', [id, random.pick(missing)])
			}
		})
	}

	/** Not one moment: while one node is asked another may have changed. Three times in a row it would have to. */
	function check(id: number): void {
		const { name, text } = files.get(id) as { name: string; text: string }
		for (let again = 0; again < 3; again++) if (holders(place, name, text, again === 1 ? [3, 2, 1] : NODES).length >= 2) return
		assert.fail(`${name} is on ${holders(place, name, text)} only: ${JSON.stringify(states(place, id))}`)
	}

	/** What the last round said: the reasons, if it never gets calm. */
	async function calm(): Promise<string[]> {
		let said: string[] = []
		for (let round = 0; round < 20; round++) {
			await run(settle(fs))
			said = []
			for (const job of [replicate, trim]) {
				for (const node of NODES) {
					const ran = await runOn(fs, node, job())
					said.push(...ran.said, ...ran.notes)
				}
			}
			// What is more than the class asks for is for others to say.
			for (const id of ids) {
				const goods = Object.entries(states(place, id)).filter(([, state]) => state === good)
				if (goods.length > 2)
					await catalogue.change('UPDATE replica SET state = 4 WHERE file_id = ? AND node_id = ?', [id, Number(goods[0][0])])
			}
			if (place.rows('SELECT 1 FROM replica WHERE state <> 1').length === 0 && place.rows('SELECT 1 FROM intent').length === 0)
				break
		}
		return said
	}
})
