/** Rows fetched before they are asked for: fewer questions, and never an answer that is known to be old. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import type { ListedRow } from '../../core/catalogue/entries.ts'
import type { FileRow } from '../../core/catalogue/files.ts'
import { createReadAhead } from '../../core/filesystem/read-ahead.ts'
import { run } from '../../core/op.ts'

const PARENT = 1
const LINKED = 3

const nameOf = (index: number) => Buffer.from(`n${String(index).padStart(6, '0')}`)

/** A directory of `count` files whose rows carry a version, and the sizes of the fetches from it. */
function server(count: number) {
	const state = { version: 1, fetches: [] as number[], nlink: 1, hold: undefined as Promise<void> | undefined }
	const row = (index: number) => ({ id: 100 + index, name: nameOf(index), kind: 8, nlink: state.nlink, version: state.version }) as unknown as ListedRow
	const from = (name: Uint8Array, limit: number) => {
		const rows: ListedRow[] = []
		for (let index = 0; index < count && rows.length < limit; index++) if (Buffer.compare(nameOf(index), name) >= 0) rows.push(row(index))
		return rows
	}
	const answer = <T>(value: T) => (state.hold ? state.hold.then(() => value) : Promise.resolve(value))
	const driver = {
		get(_: string, [, name]: [number, Uint8Array]) {
			state.fetches.push(1)
			const [first] = from(name, 1)
			return answer(first && Buffer.compare(first.name, name) === 0 ? first : undefined)
		},
		all(_: string, [, name, limit]: [number, Uint8Array, number]) {
			state.fetches.push(limit)
			return answer(from(name, limit))
		},
	} as unknown as Driver
	const clock = { ms: 0 }
	const ahead = createReadAhead(() => clock.ms)
	const look = async (index: number) => (await run(ahead.lookup(driver, PARENT, nameOf(index)))) as FileRow | undefined
	return { state, ahead, clock, look, driver }
}

test('asking for name after name takes far fewer questions than names', async () => {
	const { state, look } = server(5_000)
	for (let index = 0; index < 5_000; index++) assert.equal((await look(index))?.id, 100 + index)
	assert.ok(state.fetches.length < 30, `${state.fetches.length} questions`)
	assert.ok(Math.max(...state.fetches) <= 2_048)
	assert.deepEqual(state.fetches.slice(0, 1), [1])
})

test('asking here and there soon fetches no more than what is asked for', async () => {
	const { state, look } = server(3_000)
	for (let step = 0; step < 300; step++) assert.ok(await look((step * 7_919) % 3_000))
	assert.ok(state.fetches.slice(10).every((rows) => rows === 1), `${state.fetches.slice(0, 20)}`)
})

test('a name that is not there is not there, also in the middle of a run', async () => {
	const { look, ahead, driver } = server(100)
	for (let index = 0; index < 10; index++) await look(index)
	for (const name of ['n000005x', 'a', 'zzz', 'n']) assert.equal(await run(ahead.lookup(driver, PARENT, Buffer.from(name))), undefined, name)
	assert.equal((await look(11))?.id, 111)
})

test('what was fetched ahead is forgotten with its file, with its directory, with all, and by itself', async () => {
	const ways: Array<(server_: ReturnType<typeof server>) => void> = [
		({ ahead }) => ahead.forgetFile(105),
		({ ahead }) => ahead.forgetDirectory(PARENT),
		({ ahead }) => ahead.forget(),
		({ clock }) => (clock.ms += 60_000),
	]
	for (const forget of ways) {
		const made = server(100)
		for (let index = 0; index < 5; index++) await made.look(index)
		made.state.version = 2
		assert.equal((await made.look(5))?.version, 1)
		forget(made)
		assert.equal((await made.look(5))?.version, 2)
	}
})

test('a file with several names is never kept', async () => {
	const made = server(100)
	made.state.nlink = LINKED
	for (let index = 0; index < 5; index++) await made.look(index)
	made.state.version = 2
	assert.equal((await made.look(5))?.version, 2)
})

for (const [what, forget] of [
	['its directory', ({ ahead }: ReturnType<typeof server>) => ahead.forgetDirectory(PARENT)],
	['one of its files', ({ ahead }: ReturnType<typeof server>) => ahead.forgetFile(106)],
	['everything', ({ ahead }: ReturnType<typeof server>) => ahead.forget()],
] as const) {
	test(`forgetting ${what} while a fetch is on its way: the answer is not kept`, async () => {
		const made = server(100)
		const { state, look } = made
		for (let index = 0; index < 5; index++) await look(index)
		made.ahead.forgetDirectory(PARENT)
		await look(0)
		let deliver = () => {}
		state.hold = new Promise((resolve) => {
			deliver = resolve
		})
		const underWay = look(1)
		state.version = 2
		forget(made)
		deliver()
		state.hold = undefined
		assert.equal((await underWay)?.version, 1)
		for (const index of [6, 5, 2]) {
			if (what === 'one of its files' && index !== 6) continue
			assert.equal((await look(index))?.version, 2, `name ${index}`)
		}
	})
}

test('many directories at once stay within bounds and stay right', async () => {
	const { driver, ahead } = server(40)
	for (let round = 0; round < 3; round++) {
		for (let parent = 1; parent <= 200; parent++) {
			for (let index = 0; index < 6; index++) {
				const row = (await run(ahead.lookup(driver, parent, nameOf(index)))) as FileRow
				assert.equal(row.id, 100 + index)
			}
		}
	}
})
