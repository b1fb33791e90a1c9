/** A door for agents on a tree of its own, sites, and an agent that says what a test wants it to say. */
import assert from 'node:assert/strict'
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Deps } from '../../cli/verb.ts'
import { addSite } from '../../cli/site-add.ts'
import { UserError } from '../../core/errors.ts'
import { createFeeder, feed } from '../../core/off-site/feed.ts'
import { authorizationOf, hashOf } from '../../core/off-site/signature.ts'
import type { SiteSettings } from '../../core/off-site/site-settings.ts'
import { write as writeContent } from '../../core/filesystem/data.ts'
import { create, makeDirectory } from '../../core/filesystem/create.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { keepAlive, startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import * as entries from '../../core/catalogue/entries.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { type DoorOptions, openDoor, type TestDoor } from '../api/door.ts'

export interface Answer {
	status: number
	// biome-ignore lint/suspicious/noExplicitAny: what a route answers is what the test is about
	body: any
	headers: Headers
	bytes: Buffer
}

export interface Asked {
	body?: unknown
	headers?: Record<string, string>
	/** Instead of what is right. */
	change?: Partial<{ key: string; site: string; agent: string; time: string; nonce: string; body: string; target: string; method: string; authorization: string }>
}

export interface TestSite {
	name: string
	key: string
	agent: string
	ask(method: string, path: string, asked?: Asked): Promise<Answer>
	/** What an agent does with one batch: fetch and report. The ids. */
	fetchBatch(mode?: string): Promise<number[]>
	/** Answers every challenge from what it fetched. */
	prove(): Promise<string[]>
	/** Sends what it was asked for, in parts of so many bytes; how many orders. `mayEnd`: an order may be over before all was sent. */
	sendBack(how?: { partBytes?: number | undefined; mayEnd?: boolean }): Promise<number>
	/** By id, as fetched. */
	readonly held: Map<number, Buffer>
}

export interface Keeper extends TestDoor {
	/** The tree, past the door. */
	fs: Filesystem
	put(path: string | Buffer, content: string | Buffer): Promise<number>
	site(name: string, settings?: SiteSettings): Promise<TestSite>
	/** What is to be fetched is decided now. */
	feed(): Promise<void>
}

export async function openKeeper(test: TestContext, options: DoorOptions = {}): Promise<Keeper> {
	const secret = mkdtempSync(join(tmpdir(), 'cairn-keeper-'))
	test.after(() => rmSync(secret, { recursive: true, force: true }))
	const keyFile = join(secret, 'backup.key')
	const classes = options.config?.classes ?? [{ name: 'default', pattern: '', copies: 1, offsite: 1 }]
	const door = await openDoor(test, { ...options, config: { ...options.config, classes, backup: { keyFile, ...options.config?.backup } } })
	// A catalogue of its own: the door's driver is closed before this is stopped.
	const catalogue = await openCatalogue(door.config)
	const fs = await run(startFilesystem({ config: door.config, catalogue, what: 'test', report: () => undefined }))
	const rest = keepAlive(fs)
	test.after(async () => {
		rest()
		await stopFilesystem(fs)
		await catalogue.close()
	})
	const feeder = createFeeder()
	return {
		...door,
		fs,
		put: (path, content) => putFile(fs, Buffer.from(path), Buffer.from(content)),
		async feed() {
			// The door does it too, by its clock.
			await door.driver.change("DELETE FROM lease WHERE name = 'offsite'")
			while (await feed(fs, feeder)) await new Promise(setImmediate)
		},
		async site(name, settings = {}) {
			const key = await addSite(door.driver, { name, settings, keyFile })
			return newSite(door.url, name, key)
		},
	}
}

export async function putFile(fs: Filesystem, path: Buffer, content: Buffer): Promise<number> {
	let parent: number = ROOT_ID
	const names = splitPath(path)
	for (const name of names.slice(0, -1)) {
		const there = await entries.lookup(fs.catalogue, parent, name)
		parent = there?.id ?? (await run(makeDirectory(fs, { parent, name }, { mode: 0o755, uid: 0, gid: 0 }))).id
	}
	const made = await run(create(fs, { parent, name: names.at(-1) as Buffer }, { mode: 0o644, uid: 0, gid: 0 }, false))
	const file = 'open' in made ? made.open : await run(open(fs, made.existing.id, { write: true, truncate: true }))
	await run(writeContent(fs, file, content, 0, true))
	const { id } = file
	await run(release(fs, file, true))
	await fs.later.written()
	return id
}

function splitPath(path: Buffer): Buffer[] {
	return path.toString('latin1').split('/').map((name) => Buffer.from(name, 'latin1'))
}

export function newSite(url: string, name: string, key: string, agent = randomBytes(12).toString('base64url')): TestSite {
	const held = new Map<number, Buffer>()

	async function ask(method: string, path: string, { body, headers = {}, change = {} }: Asked = {}): Promise<Answer> {
		const raw = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
		const signed = {
			method,
			target: path,
			site: name,
			agent,
			time: String(Math.floor(Date.now() / 1000)),
			nonce: randomBytes(16).toString('base64url'),
			body: hashOf(raw ?? ''),
			...change,
		}
		const authorization = change.authorization ?? authorizationOf(change.key ?? key, signed)
		const type: Record<string, string> = raw === undefined ? {} : { 'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json' }
		const answer = await fetch(`${url}${path}`, { method, body: raw as Uint8Array<ArrayBuffer> | undefined, headers: { ...type, authorization, ...headers } })
		const bytes = Buffer.from(await answer.arrayBuffer())
		const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true
		return { status: answer.status, headers: answer.headers, bytes, body: isJson ? JSON.parse(bytes.toString()) : undefined }
	}

	async function fetchBatch(mode?: string): Promise<number[]> {
		const lease = await ask('POST', '/backup/v1/lease', { body: { mode } })
		const files = []
		for (const { id, version } of lease.body.files) {
			const { bytes, status } = await ask('GET', `/backup/v1/file/${id}/${version}`)
			assert.equal(status, 200, bytes.toString())
			held.set(id, bytes)
			files.push({ id, version, size: bytes.length, hash: createHash('sha256').update(bytes).digest('hex') })
		}
		if (files.length > 0) assert.equal((await ask('POST', '/backup/v1/report', { body: { files } })).status, 200)
		return files.map((file) => file.id)
	}

	async function prove(): Promise<string[]> {
		const { body } = await ask('GET', '/backup/v1/challenges?limit=1000')
		const answers = body.challenges.map(({ challenge, key: hex, ranges }: { challenge: number; key: string; ranges: Array<[number, number]> }) => {
			const hash = createHmac('sha256', Buffer.from(hex, 'hex'))
			for (const [offset, length] of ranges) hash.update((held.get(challenge) as Buffer).subarray(offset, offset + length))
			return { challenge, proof: hash.digest('hex') }
		})
		if (answers.length === 0) return []
		const said = await ask('POST', '/backup/v1/challenges', { body: { answers } })
		return said.body.results.map(({ result }: { result: string }) => result)
	}

	async function sendBack({ partBytes = 1_000_000, mayEnd = false }: { partBytes?: number | undefined; mayEnd?: boolean } = {}): Promise<number> {
		const { body } = await ask('GET', '/backup/v1/orders')
		for (const order of body.orders) {
			const bytes = [...held.values()].find((content) => hashOf(content) === order.hash)
			if (!bytes) await ask('POST', `/backup/v1/orders/${order.order}/fail`, { body: { error: 'missing' } })
			else for (let at = order.offset, done = false; !done; at += partBytes) {
				const part = bytes.subarray(at, at + partBytes)
				const answer = await ask('PUT', `/backup/v1/orders/${order.order}?offset=${at}`, { body: part })
				const isOver = mayEnd && answer.status === 404
				assert.ok(isOver || answer.status === 200, answer.bytes.toString())
				done = isOver || answer.body.done
			}
		}
		return body.orders.length
	}

	return { name, key, agent, ask, fetchBatch, prove, sendBack, held }
}

/** What `cairn` printed and warned of, and how it ended. */
export interface Said {
	out: string
	err: string
	exitCode: number
}

/** A verb of `cairn`, in this process, on the keeper's catalogue. */
export async function cairn(keeper: Keeper, verb: (deps: Deps) => Promise<void>): Promise<Said> {
	const { catalogue, classes, backup } = keeper.config
	const file = join(keeper.directory, 'config.ts')
	writeFileSync(file, `export default ${JSON.stringify({ catalogue, classes, backup })}`, { mode: 0o600 })
	const said: Said = { out: '', err: '', exitCode: 0 }
	const before = process.exitCode
	process.exitCode = 0
	try {
		await verb({
			print(line) {
				said.out += `${line}\n`
			},
			warn(line) {
				said.err += `${line}\n`
			},
			environment: { CAIRN_CONFIG: file },
			directory: keeper.directory,
			uid: 0,
			gid: 0,
		})
	} catch (error) {
		if (!(error instanceof UserError)) throw error
		said.err += error.message
		process.exitCode = error.exitCode
	}
	said.exitCode = Number(process.exitCode)
	process.exitCode = before
	return said
}
