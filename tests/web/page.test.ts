/** The page in a browser: what it says is so, it changes by itself, and it is for everybody. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { renameSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as jobs from '../../core/catalogue/jobs.ts'
import { wait } from '../../core/op.ts'
import { countNext } from '../../core/stats/count.ts'
import { countedOf, JOB, toPosition } from '../../core/stats/lines.ts'
import { openDoor, type TestDoor } from '../api/door.ts'
import { until } from '../support/until.ts'
import { logIn, openBrowser } from './browser.ts'

const ODD = ['<img src=x onerror=alert(1)>.jpg', 'quo"te\'s & more', 'line\nbreak', 'right\u202Egpj.exe', 'plain.jpg']
const PAGE_BYTES_MAX = 150 * 1024

/** As the replicator's job does it. */
async function count({ driver }: TestDoor): Promise<void> {
	const step = () =>
		driver.transaction(function* (tx) {
			const done = yield* countNext(tx, countedOf(yield* wait(jobs.find(tx, JOB))), driver.capabilities)
			jobs.begin(tx, JOB, driver.capabilities)
			jobs.setPosition(tx, JOB, toPosition(done.counted))
			jobs.end(tx, JOB, { state: 'done', summary: '{}' }, driver.capabilities)
			return done.isLast
		})
	while (!(await step()));
}

async function withFiles(door: TestDoor, names: readonly string[]): Promise<void> {
	for (const name of names) {
		const { status } = await door.fetch(`/files/photos/${encodeURIComponent(name)}`, { method: 'PUT', body: `content of ${name}` })
		assert.equal(status, 201)
	}
	await count(door)
}

async function prepared(t: Parameters<typeof openDoor>[0], copies = 1): Promise<{ door: TestDoor; token: string }> {
	const door = await openDoor(t, { nodes: 2, config: { classes: [{ name: 'default', pattern: '', copies }], mount: { pollMs: 50 } }, api: { publicSummary: true } })
	const made = await door.fetch('/files/photos/', { method: 'MKCOL' })
	assert.equal(made.status, 201)
	await withFiles(door, ODD)
	return { door, token: await door.token('read') }
}

const heading = (text: RegExp) => ({ name: text, level: 1 })

test('login, the verdict, a node that goes and comes back, odd names, a file of its own, log out', async (t) => {
	const { door, token } = await prepared(t)
	const seen = await openBrowser(t)
	const { page, complaints } = seen
	await logIn(seen, door.url, 'cairn_wrong')
	await page.getByText('This token does not hold').waitFor()
	complaints.length = 0
	await logIn(seen, door.url, token)
	await page.getByRole('heading', heading(/^All 5 files have their copies\.$/)).waitFor()
	await page.getByText(/ms to read/).first().waitFor()
	const [cookie] = await seen.context.cookies()
	assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Strict'])

	renameSync(door.node(2, '.cairn'), door.node(2, '.gone'))
	await door.driver.change("UPDATE node SET state = 'down', since = 1 WHERE name = 'node2'")
	await door.reload()
	await page.getByRole('heading', heading(/node2 is|node node2/)).waitFor()
	renameSync(door.node(2, '.gone'), door.node(2, '.cairn'))
	await door.driver.change("UPDATE node SET state = 'rw' WHERE name = 'node2'")
	await door.reload()
	await page.getByRole('heading', heading(/^All 5 files have their copies\.$/)).waitFor()

	await page.getByRole('link', { name: 'Files', exact: true }).click()
	await page.getByRole('link', { name: 'photos' }).click()
	await page.getByRole('link', { name: 'plain.jpg' }).waitFor()
	assert.equal(await page.getByRole('table').getByRole('link').count(), ODD.length)
	assert.equal(await page.locator('main img').count(), 0)
	for (const link of await page.getByRole('table').getByRole('link').all()) {
		const address = (await link.getAttribute('href')) as string
		const response = await seen.context.request.get(`${door.url}${address}`)
		assert.equal(response.status(), 200, address)
	}
	await page.getByRole('link', { name: 'plain.jpg' }).click()
	await page.getByText('It has its 1 copy').waitFor()
	const hash = createHash('sha256').update('content of plain.jpg').digest('hex')
	assert.ok((await page.getByText(hash).count()) >= 1)

	await page.getByLabel('Search by name').fill('.jpg')
	await page.keyboard.press('Enter')
	await page.getByRole('heading', heading(/Search/)).waitFor()
	assert.equal(await page.getByRole('table').getByRole('link').count(), 2)

	await page.getByRole('button', { name: 'Log out' }).click()
	await page.getByLabel(/token/i).waitFor()
	assert.deepEqual(complaints, [])
	assert.equal((await seen.context.request.get(`${door.url}/`, { maxRedirects: 0, headers: { accept: 'text/html' } })).status(), 303)
})

test('a copy that is missing is in the verdict, with the file that lacks it', async (t) => {
	const { door, token } = await prepared(t, 2)
	const seen = await openBrowser(t)
	await logIn(seen, door.url, token)
	await seen.page.getByRole('heading', heading(/^0 of 5 files have their copies; 5 copies/)).waitFor()
	await seen.page.goto(`${door.url}/tree/photos/plain.jpg`)
	await seen.page.getByText('1 of 2 copies are there').waitFor()
	await seen.page.getByRole('heading', { name: 'What is owed' }).waitFor()
	assert.deepEqual(seen.complaints, [])
})

test('files that found too few nodes lack copies, though those on a dead node are counted', async (t) => {
	const { door, token } = await prepared(t)
	await door.driver.change("INSERT INTO job (name, state, started, ended, summary) VALUES ('pass', 'done', 1, 1, '{\"short\":2}')")
	const seen = await openBrowser(t)
	await logIn(seen, door.url, token)
	await seen.page.getByRole('heading', heading(/^3 of 5 files have their copies; no other node takes a copy of 2 files/)).waitFor()
	await seen.page.getByText('2 files: no other node takes a copy').waitFor()
	assert.deepEqual(seen.complaints, [])
})

interface Found {
	violations: Array<{ id: string; nodes: Array<{ html: string }> }>
}

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

for (const [layout, options] of [
	['light', { colorScheme: 'light' }],
	['dark', { colorScheme: 'dark' }],
	['phone', { viewport: { width: 390, height: 844 }, isMobile: true }],
] as const) {
	test(`${layout}: light enough, nothing to scroll sideways, accessible`, async (t) => {
		const { door, token } = await prepared(t)
		const seen = await openBrowser(t, { ...options, bypassCSP: true })
		await logIn(seen, door.url, token)
		for (const path of ['/', '/tree/', '/tree/photos/', '/tree/photos/plain.jpg', '/search?q=jpg', '/summary', '/login']) {
			const before = seen.weight()
			await seen.page.goto(`${door.url}${path}`, { waitUntil: 'load' })
			const wide = await seen.page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
			assert.equal(wide, 0, `${path} is wider than its window`)
			assert.ok(seen.weight() - before < PAGE_BYTES_MAX, `${path}: ${seen.weight() - before} bytes`)
			await seen.page.addScriptTag({ path: AXE })
			const { violations } = await seen.page.evaluate<Found>('axe.run()')
			assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), [], path)
		}
		assert.deepEqual(seen.complaints, [])
		const shots = process.env.CAIRN_TEST_SCREENSHOTS
		if (shots) {
			await seen.page.goto(door.url)
			await seen.page.screenshot({ path: `${shots}/${layout}.png`, fullPage: true })
			await seen.page.goto(`${door.url}/tree/photos/plain.jpg`)
			await seen.page.screenshot({ path: `${shots}/${layout}-file.png`, fullPage: true })
		}
	})
}

test('without scripts everything is there, and the forms work', async (t) => {
	const { door, token } = await prepared(t)
	const seen = await openBrowser(t, { javaScriptEnabled: false })
	await logIn(seen, door.url, token)
	await seen.page.getByRole('heading', heading(/^All 5 files have their copies\.$/)).waitFor()
	await seen.page.getByRole('heading', { name: 'Copies', exact: true }).waitFor()
	await seen.page.getByRole('button', { name: 'Log out' }).click()
	await seen.page.getByLabel(/token/i).waitFor()
})

test('by keyboard: the content first, then what is named at the top', async (t) => {
	const { door, token } = await prepared(t)
	const seen = await openBrowser(t)
	await logIn(seen, door.url, token)
	await seen.page.getByRole('heading', { level: 1 }).waitFor()
	const focused: string[] = []
	for (let n = 0; n < 6; n++) {
		await seen.page.keyboard.press('Tab')
		focused.push(await seen.page.evaluate<string>('document.activeElement.textContent.trim() || document.activeElement.id'))
	}
	assert.deepEqual(focused, ['To the content', 'Cairn', 'Overview', 'Files', 'q', 'Log out'])
})

test('what a page may do is said with it, whoever asks', async (t) => {
	const { door } = await prepared(t)
	for (const path of ['/', '/login', '/summary', '/tree/photos/']) {
		const { headers } = await door.fetch(path, { headers: { accept: 'text/html' } })
		const policy = headers.get('content-security-policy') ?? ''
		assert.match(policy, /default-src 'none'.*script-src 'self'/)
		assert.doesNotMatch(policy, /unsafe/)
	}
})

test('what is not counted yet may be owed', async (t) => {
	const { door } = await prepared(t)
	const summary = async () => await (await door.fetch('/summary')).text()
	await until('nothing waits for a node', async () => /Nothing is owed: whatever was asked for has been done/.test(await summary()) || undefined)
	assert.equal((await door.fetch('/files/photos/new', { method: 'PUT', body: 'new' })).status, 201)
	await until('the page knows that it is behind', async () => /Nothing is owed of what is counted yet/.test(await summary()) || undefined)
})

test('what is free on nodes of one disk counts once', async (t) => {
	const { door } = await prepared(t)
	const page = await (await door.fetch('/summary')).text()
	const [, together] = /<dt>free on nodes<\/dt><dd>(.*?)<\/dd>/.exec(page) ?? []
	const each = [...page.matchAll(/<strong>(.*?) free<\/strong>/g)].map(([, free]) => free)
	assert.equal(each.length, 2)
	assert.ok(each.includes(together), `${together}, of ${each.join(' and ')}`)
})

test('the summary names no file, no node and no machine; without being switched on it is not there', async (t) => {
	const { door } = await prepared(t)
	const text = await (await fetch(`${door.url}/summary`)).text()
	assert.match(text, /All 5 files have their copies/)
	assert.doesNotMatch(text, /plain\.jpg|photos|node1/)
	const other = await openDoor(t)
	assert.equal((await fetch(`${other.url}/summary`)).status, 404)
})

test('however many listen to the summary, whoever has a token can listen too', async (t) => {
	const door = await openDoor(t, { nodes: 1, api: { publicSummary: true } })
	const over = new AbortController()
	const listen = (path: string, headers: Record<string, string> = {}) => fetch(door.url + path, { headers, signal: over.signal })
	// An answer that nobody keeps is ended by the collector of garbage, and the next one is let in.
	const answers = await Promise.all(Array.from({ length: 201 }, () => listen('/summary/live')))
	const strangers = answers.map(({ status }) => status)
	assert.deepEqual([strangers.filter((status) => status === 200).length, strangers.filter((status) => status === 503).length], [200, 1])
	assert.equal((await listen('/live', { authorization: `Bearer ${await door.token('read')}` })).status, 200)
	over.abort()
})

test('events go on from a position, and end with the door', async (t) => {
	const door = await openDoor(t)
	await door.fetch('/files/a', { method: 'PUT', body: 'a' })
	const answer = await door.fetch('/events?since=0')
	assert.equal(answer.status, 200)
	const read = reader(answer)
	const first = await read((event) => event.path === 'a' && event.op === 'create')
	const again = reader(await door.fetch('/events', { headers: { 'last-event-id': first.id } }))
	await door.fetch('/files/b', { method: 'PUT', body: 'b' })
	await again((event) => event.path === 'b' && event.op === 'create')
	assert.equal((await door.fetch('/events?since=-1')).status, 400)
	await door.stop()
	await assert.rejects(again(() => false), /ended/)
})

interface Told {
	op: string
	path?: string
}

/** Waits for the next event of a stream that is asked for. */
function reader(answer: Response): (wanted: (event: Told) => boolean) => Promise<Told & { id: string }> {
	const lines = linesOf(answer)
	return async (wanted) => {
		let id = ''
		for (;;) {
			const { value, done } = await lines.next()
			if (done) throw new Error('ended')
			if (value.startsWith('id: ')) id = value.slice(4)
			if (!value.startsWith('data: ')) continue
			const event = JSON.parse(value.slice(6)) as Told
			if (wanted(event)) return { ...event, id }
		}
	}
}

async function* linesOf(answer: Response): AsyncGenerator<string, undefined> {
	let rest = ''
	for await (const chunk of answer.body as ReadableStream<Uint8Array>) {
		const lines = (rest + Buffer.from(chunk).toString()).split('\n')
		rest = lines.pop() as string
		yield* lines
	}
}

test('figures of before are shown, and said to be of before, when the catalogue does not answer', async (t) => {
	const { door, token } = await prepared(t)
	const seen = await openBrowser(t)
	await logIn(seen, door.url, token)
	await seen.page.getByRole('heading', heading(/^All 5 files/)).waitFor()
	await door.driver.script('ALTER TABLE stat_copies RENAME TO stat_copies_away')
	await seen.page.getByText('The catalogue does not answer.').waitFor()
	await door.driver.script('ALTER TABLE stat_copies_away RENAME TO stat_copies')
	await seen.page.getByText('The catalogue does not answer.').waitFor({ state: 'detached' })
})
