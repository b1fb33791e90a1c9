/** Following what others did, when that fails in the middle. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { fail } from '../../core/errors.ts'
import { isBehind } from '../../core/filesystem/behind.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { run } from '../../core/op.ts'
import { at, createFile, installation, now, OWNER, writeFile } from './installation.ts'

/** Questions whose text matches are answered with EIO as long as it is wanted. */
function failing(wanted: { which: RegExp | undefined }) {
	const check = (sql: string) => {
		if (wanted.which?.test(sql)) fail('EIO')
	}
	return (driver: Driver): Driver => ({
		...driver,
		all(sql, params) {
			check(sql)
			return driver.all(sql, params)
		},
		get(sql, params) {
			check(sql)
			return driver.get(sql, params)
		},
	})
}

test('a journal that could not be read is read the next time', async (t) => {
	const { start } = await installation(t)
	const wanted: { which: RegExp | undefined } = { which: undefined }
	const { fs, told } = await start({ wrap: failing(wanted) })
	const other = await start()
	now(catchUp(fs))
	told.length = 0
	now(makeDirectory(other.fs, at('d'), OWNER))
	wanted.which = /FROM `change`/
	assert.equal(isBehind(fs), true)
	assert.throws(() => now(catchUp(fs)), { code: 'EIO' })
	wanted.which = undefined
	assert.equal(isBehind(fs), true)
	now(catchUp(fs))
	assert.deepEqual(told.map(({ op }) => op), ['mkdir'])
	assert.equal(isBehind(fs), false)
})

test('what was read in the journal and could not be followed is followed the next time', async (t) => {
	const { start } = await installation(t)
	const wanted: { which: RegExp | undefined } = { which: undefined }
	const { fs, told } = await start({ wrap: failing(wanted) })
	const other = await start()
	writeFile(other.fs, 'f', 'text')
	const open = createFile(fs, 'g')
	now(catchUp(fs))
	told.length = 0
	now(unlink(other.fs, at('g')))
	now(unlink(other.fs, at('f')))
	// Whether the file that is open here lives on is asked.
	wanted.which = /FROM file f? ?WHERE/
	assert.throws(() => now(catchUp(fs)), { code: 'EIO' })
	wanted.which = undefined
	assert.equal(isBehind(fs), true)
	now(catchUp(fs))
	assert.equal(open.orphan, true)
	assert.deepEqual(told.map(({ name }) => Buffer.from(name ?? '').toString()), ['g', 'f'])
	assert.equal(isBehind(fs), false)
})

test('who caught up is not to say that all is known while another is still reading what came later', async (t) => {
	const { start } = await installation(t)
	let held: Array<() => void> | undefined
	const { fs } = await start({
		wrap: (driver) => ({
			...driver,
			all(sql, params) {
				const rows = driver.all(sql, params)
				const { promise, resolve } = Promise.withResolvers<typeof rows>()
				held?.push(() => resolve(rows))
				return held ? (promise as typeof rows) : rows
			},
		}),
	})
	const other = await start()
	now(catchUp(fs))
	held = []
	const first = run(catchUp(fs))
	now(makeDirectory(other.fs, at('d'), OWNER))
	const second = run(catchUp(fs))
	const [answerFirst, answerSecond] = held
	held = undefined
	answerFirst()
	await first
	assert.equal(isBehind(fs), true)
	answerSecond()
	assert.deepEqual((await second).map(({ op }) => op), ['mkdir'])
	assert.equal(isBehind(fs), false)
})
