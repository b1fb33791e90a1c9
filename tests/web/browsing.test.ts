/** A browser that has more than the page of one door open: files, directories, and many pages at once. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { ANYBODY } from '../api/dialects.ts'
import { openDoor } from '../api/door.ts'
import { openBrowser } from './browser.ts'

const LONG_AGO = '1000000000'
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

test('in a browser', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const { page, context } = await openBrowser(t, { viewport: { width: 360, height: 740 } })

	await t.test('what was put anew is seen, however old it was before', async () => {
		const { fid } = (await (await door.fetch('/dir/assign')).json()) as { fid: string }
		await page.goto(`${door.url}/health`)
		for (const address of ['/files/a.txt', '/dav/b.txt', '/file?path=c.txt', `/${fid}?ts=${LONG_AGO}`]) {
			const put = async (body: string) => assert.ok((await door.fetch(address, { method: 'PUT', headers: { 'x-oc-mtime': LONG_AGO }, body })).ok)
			const read = () => page.evaluate(async (asked) => (await fetch(asked)).text(), address)
			await put('old')
			assert.deepEqual([await read(), await read()], ['old', 'old'], address)
			await put('new')
			assert.equal(await read(), 'new', address)
		}
	})

	await t.test('as many pages as one likes are open, and the one that is looked at is true', async () => {
		const turn = (each: typeof page, to: 'hidden' | 'visible') =>
			each.evaluate(`Object.defineProperty(document, 'visibilityState', { configurable: true, value: '${to}' }); document.dispatchEvent(new Event('visibilitychange'))`)
		const pages: Array<typeof page> = []
		for (let count = 0; count < 7; count++) {
			const each = await context.newPage()
			pages.push(each)
			await each.goto(door.url)
			await each.locator('#live[data-state=on]').waitFor()
			await turn(each, 'hidden')
		}
		const verdict = await pages[0].locator('h1').innerText()
		await door.driver.change("UPDATE node SET state = 'down', since = 1")
		await door.reload()
		await turn(pages[0], 'visible')
		await pages[0].locator('h1').filter({ hasNotText: verdict }).waitFor()
		for (const each of pages) await each.close()
		await door.driver.change("UPDATE node SET state = 'rw'")
		await door.reload()
	})

	await t.test('what is to be heard or seen is played', async () => {
		const { fid } = (await (await door.fetch('/dir/assign')).json()) as { fid: string }
		for (const address of ['/files/a.wav', '/dav/a.wav', '/file?path=a.wav', `/${fid.replace(',', '/')}/a.wav`]) {
			await door.fetch(address, { method: 'PUT', body: silence() as Uint8Array<ArrayBuffer> })
			await page.goto(door.url + address)
			await page.waitForFunction('document.querySelector("video").duration === 1')
		}
	})

	await t.test('a directory is for everybody, and what is chosen there is put there', async () => {
		await door.fetch('/files/d', { method: 'MKCOL' })
		await page.goto(`${door.url}/files/d`)
		const name = '100% "ü" 😀.txt'
		await page.getByLabel('A file to put here').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from('content') })
		await page.getByRole('button', { name: 'Upload' }).click()
		await page.getByRole('link', { name }).waitFor()
		assert.equal(page.url(), `${door.url}/files/d/`)
		assert.equal(await (await door.fetch(`/files/d/${encodeURIComponent(name)}`)).text(), 'content')
		await page.evaluate(AXE)
		const { violations } = await page.evaluate<{ violations: Array<{ id: string }> }>('axe.run()')
		assert.deepEqual(violations.map(({ id }) => id), [])
		assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
	})
})

/** A second of it, as RIFF has it: one channel, 8,000 bytes a second. */
function silence(): Buffer {
	const head = Buffer.from('RIFF    WAVEfmt                     data    ')
	for (const [at, value] of [[4, 8_036], [16, 16], [24, 8_000], [28, 8_000], [40, 8_000]]) head.writeUInt32LE(value, at)
	for (const [at, value] of [[20, 1], [22, 1], [32, 1], [34, 8]]) head.writeUInt16LE(value, at)
	return Buffer.concat([head, Buffer.alloc(8_000, 0x80)])
}
