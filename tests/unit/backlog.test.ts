/** Much that waits for a node that is away: nobody else pays for it. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import type { Driver, Reader, Transaction } from '../../core/catalogue/driver.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { isPromise, type Maybe, run } from '../../core/op.ts'
import { at, createFile, installation, now, setUp, writeFile } from './installation.ts'

const MANY = 1_000
const FIRST_ID = 100_000
/** Those of no file, and lower than those of any. */
const ids = (many: number) => `WITH RECURSIVE n (i) AS (SELECT ${FIRST_ID - many} UNION ALL SELECT i + 1 FROM n WHERE i < ${FIRST_ID - 1}) SELECT`
const waiting = (many: number) => `INSERT INTO intent (node_id, op, path, file_id, token, created) ${ids(many)} 2, 'unlink', CAST('gone/' || i AS BLOB), 0, 0, 0 FROM n`

test('what a node that is away is yet to be told is not read again for each change', async (t) => {
	const { start, rows, node } = await installation(t, 2)
	let read = 0
	const { fs } = await start({ wrap: (driver) => countingRows(driver, (many) => (read += many)) })
	const files = ['a', 'b'].map((name) => writeFile(fs, name, name))
	for (const id of files) {
		rows('INSERT INTO replica (file_id, node_id, version, state) SELECT file_id, 3 - node_id, version, 1 FROM replica WHERE file_id = ?', id)
	}
	for (const name of ['a', 'b']) for (const number of [1, 2]) disk.writeFileSync(node(number, name), name)
	flushLater(fs)
	setUp(fs, 2, false)
	rows(waiting(MANY))
	read = 0
	now(unlink(fs, at('a')))
	now(rename(fs, at('b'), at('c'), 'noreplace'))
	now(release(fs, now(open(fs, files[1], { write: false, truncate: false })), false))
	writeFile(fs, 'd', 'd')
	flushLater(fs)
	assert.ok(read < 200, `${read} rows were read`)
	const last = rows('SELECT op, client_id FROM intent WHERE node_id = 2 ORDER BY id DESC LIMIT 2')
	assert.deepEqual(last.map(({ op, client_id }) => [op, client_id]), [['rename', null], ['unlink', null]])

	setUp(fs, 2, true)
	await run(settle(fs))
	flushLater(fs)
	assert.deepEqual(rows('SELECT * FROM intent'), [])
	assert.deepEqual(disk.readdirSync(node(2)).filter((name) => name !== '.cairn' && name !== 'd'), ['c'])
})

test('a round in which there is nothing to settle asks as much of many nodes as of one', async (t) => {
	const asked: number[] = []
	for (const nodes of [1, 6]) {
		const { start } = await installation(t, nodes)
		let many = 0
		const { fs } = await start({ wrap: (driver) => countingRows(driver, () => many++) })
		await run(settle(fs))
		many = 0
		await run(settle(fs))
		asked.push(many)
	}
	assert.equal(asked[1], asked[0])
})

test('files that a dead client was writing on a node that is away keep none waiting that are elsewhere', async (t) => {
	const { start, rows } = await installation(t, 2)
	rows(`INSERT OR REPLACE INTO setting (name, value) VALUES ('next_file_id', '${FIRST_ID}')`)
	const dying = await start()
	const file = createFile(dying.fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('content'), 0)
	const away = 3 - file.node.id
	rows(`INSERT INTO writer (file_id, client_id, node_id) ${ids(MANY)} i, ${dying.fs.client}, ${away} FROM n`)
	const { fs } = await start()
	setUp(fs, away, false)
	dying.kill()
	await run(settle(fs))
	flushLater(fs)
	assert.equal(rows('SELECT size FROM file WHERE id = ?', file.id)[0].size, 7)
	assert.deepEqual(rows('SELECT node_id FROM writer WHERE file_id = ?', file.id), [])
	assert.equal(rows('SELECT file_id FROM writer').length, MANY)
	// One round for all that are left.
	setUp(fs, away, true)
	await run(settle(fs))
	assert.deepEqual(rows('SELECT file_id FROM writer'), [])
	assert.deepEqual(rows('SELECT id FROM client').map(({ id }) => id), [fs.client])
})

function countingRows(driver: Driver, count: (many: number) => void): Driver {
	const counted = <T>(answer: Maybe<T>): Maybe<T> => {
		assert.ok(!isPromise(answer))
		count(Array.isArray(answer) ? answer.flat().length : 1)
		return answer
	}
	const reader = ({ all, get, read }: Reader): Reader => ({
		all: (sql, params) => counted(all(sql, params)) as never,
		get: (sql, params) => counted(get(sql, params)) as never,
		read: (...queries) => counted(read(...queries)),
	})
	const within = (tx: Transaction): Transaction => ({ ...tx, ...reader(tx) })
	return { ...driver, ...reader(driver), transaction: (body) => driver.transaction((tx) => body(within(tx))), together: (body) => driver.together((tx) => body(within(tx))) }
}
