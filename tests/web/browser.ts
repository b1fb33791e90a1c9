/** A real browser on a real door: what a keeper sees. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const EXECUTABLE = '/usr/bin/chromium'
const WORDS = [
	'--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
]
const DEADLINE_MS = 20_000

export interface Seen {
	page: Page
	context: BrowserContext
	/** Errors on the console, requests that failed, dialogs that opened. */
	complaints: string[]
	/** Bytes of everything that was fetched. */
	weight(): number
}

/** Ended with the test; whatever the page complains of is written down. */
export async function openBrowser(test: TestContext, options: BrowserContextOptions = {}): Promise<Seen> {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-browser-'))
	const context = await chromium.launchPersistentContext(directory, { executablePath: EXECUTABLE, args: WORDS, ...options })
	test.after(async () => {
		await context.close()
		rmSync(directory, { recursive: true, force: true })
	})
	context.setDefaultTimeout(DEADLINE_MS)
	const page = context.pages()[0] ?? (await context.newPage())
	const complaints: string[] = []
	let bytes = 0
	page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
	page.on('pageerror', (error) => complaints.push(String(error)))
	page.on('requestfailed', (request) => {
		const why = request.failure()?.errorText
		// Given up because the page was left.
		if (why !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${why}`)
	})
	page.on('dialog', (dialog) => {
		complaints.push(`a dialog: ${dialog.message()}`)
		void dialog.dismiss()
	})
	page.on('requestfinished', async (request) => {
		const { responseBodySize } = await request.sizes().catch(() => ({ responseBodySize: 0 }))
		bytes += responseBodySize
	})
	return { page, context, complaints, weight: () => bytes }
}

/** As a person does it. */
export async function logIn({ page }: Pick<Seen, 'page'>, url: string, token: string): Promise<void> {
	await page.goto(`${url}/login`)
	await page.getByLabel(/token/i).fill(token)
	await page.getByRole('button', { name: /log in/i }).click()
}
