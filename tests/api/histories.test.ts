/** Several doors, a few names, many clients: whatever they hear at once can be explained one after the other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { engines } from '../catalogue/engines.ts'
import { type Random, randomFrom, seedOfRun } from '../support/random.ts'
import { openDoor, type TestDoor } from './door.ts'
import { type Answered, type Asked, DIRECTORIES, FILES, isExplained, type View } from './histories.ts'

const ROUNDS = 8
const CLIENTS = 5
const REQUESTS = 3
const KINDS: ReadonlyArray<Asked['kind']> = ['get', 'get', 'list', 'put', 'put', 'put', 'delete', 'remove', 'move', 'move', 'copy', 'copy']

type Ask = (path: string, init?: RequestInit) => Promise<Response>

function choose(random: Random, content: string): Asked {
	const directory = random.pick(DIRECTORIES)
	return { kind: random.pick(KINDS), directory, file: random.pick(FILES), target: random.pick(DIRECTORIES.filter((name) => name !== directory)), overwrite: random.chance(0.7), content }
}

async function send(ask: Ask, { kind, directory, file, target, overwrite, content }: Asked): Promise<Pick<Answered, 'status' | 'body'>> {
	const path = `/files/${directory}`
	const requests: Record<Asked['kind'], () => Promise<Response>> = {
		get: () => ask(`${path}/${file}`),
		list: () => ask(path),
		put: () => ask(`${path}/${file}`, { method: 'PUT', body: content }),
		delete: () => ask(`${path}/${file}`, { method: 'DELETE' }),
		remove: () => ask(`${path}?recursive`, { method: 'DELETE' }),
		move: () => ask(path, { method: 'MOVE', headers: { destination: `/files/${target}`, overwrite: overwrite ? 'T' : 'F' } }),
		copy: () => ask(path, { method: 'COPY', headers: { destination: `/files/${target}`, overwrite: overwrite ? 'T' : 'F' } }),
	}
	const answer = await requests[kind]()
	const text = await answer.text()
	const isListing = kind === 'list' && answer.status === 200
	return { status: answer.status, body: isListing ? (JSON.parse(text) as { entries: Array<{ name: string }> }).entries.map(({ name }) => name).join() : text }
}

async function viewOf(ask: Ask): Promise<View> {
	const view: View = {}
	for (const name of DIRECTORIES) {
		const listing = await ask(`/files/${name}`)
		const entries = listing.status === 404 ? undefined : ((await listing.json()) as { entries: Array<{ name: string }> }).entries
		if (entries) view[name] = Object.fromEntries(await Promise.all(entries.map(async (entry) => [entry.name, await (await ask(`/files/${name}/${entry.name}`)).text()])))
	}
	return view
}

for (const engine of engines) {
	test(`${engine.name}: whatever is heard at several doors at once could have happened one after the other`, async (t) => {
		const seed = seedOfRun()
		t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
		const random = randomFrom(seed)
		const door = await openDoor(t, { engine, nodes: 1 })
		const doors = [door.fetch, ...(await Promise.all([1, 2].map(() => another(door))))]
		let before: View = {}
		let moment = 0
		for (let round = 0; round < ROUNDS; round++) {
			const history: Answered[] = []
			const client = async (number: number) => {
				for (let request = 0; request < REQUESTS; request++) {
					const asked = choose(random, `${round}-${number}-${request}`)
					const began = moment++
					const answer = await send(random.pick(doors), asked)
					history.push({ ...asked, began, ended: moment++, ...answer })
				}
			}
			await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
			const after = await viewOf(door.fetch)
			for (const ask of doors) assert.deepEqual(await viewOf(ask), after, 'every door says the same')
			assert.ok(isExplained(before, history, after), `round ${round}: ${JSON.stringify({ before, history, after }, undefined, 1)}`)
			assert.deepEqual(history.filter(({ status }) => status >= 500), [])
			before = after
		}
	})
}

async function another(door: TestDoor): Promise<Ask> {
	const [url] = (await door.second()).addresses
	const authorization = `Bearer ${await door.token('admin')}`
	return (path, init = {}) => fetch(url + path, { ...init, headers: { authorization, ...init.headers } })
}
