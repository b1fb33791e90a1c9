/** Every route of the door's own description, asked what it does not expect: nothing is a fault of the server or an answer that is not described, and it lives. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { openKeeper, type TestSite } from '../off-site/keeper.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

interface Schema {
	type?: string
	properties?: Record<string, Schema>
	items?: Schema
}

interface Operation {
	method: string
	path: string
	parameters: Array<{ name: string; in: string; schema?: Schema }>
	body: Schema | undefined
	isForSites: boolean
	/** Statuses, `4XX` for all of a kind. */
	answers: string[]
}

interface Described {
	parameters?: Operation['parameters']
	requestBody?: { content?: Record<string, { schema?: Schema }> }
	security?: Array<Record<string, unknown>>
	responses: Record<string, unknown>
}

const SEED = seedOfRun()
const PER_OPERATION = 24
const DEADLINE_MS = 30_000

const VALUES = [
	'1', '0', '-1', '99999999999999999999', '1.5', '1e999', 'NaN', 'null', 'true', '{}', '[]', '%00', '%ff%fe', '..', '..%2f..%2fetc%2fpasswd', '%2e%2e/', '//', '.', ' ', '%0a',
	"'\"%25;--", 'a'.repeat(3_000), '🐎', '%F0%9F%90%8E', '-9223372036854775808', 'undefined', '__proto__', 'constructor',
]
const THINGS: unknown[] = [
	null, true, 0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER + 2, '', 'x', 'x'.repeat(50_000), '\u0000', '\ud800', [], {}, [[[[]]]], [null], { __proto__: null, a: 1 }, { length: -1 },
	Array.from({ length: 2_000 }, () => 1), '2026-11-27', '../../x', 'AAAA', '0'.repeat(64),
]
const RAW = ['', '{', 'null', '[]', '"x"', '1e999', '[['.repeat(20_000), '{"__proto__":{"x":1}}', '\u0000', '{"a":1,"a":2}']

test('wrong types, huge values, wrong credentials, broken bodies', async (t) => {
	const keeper = await openKeeper(t)
	const site = await keeper.site('attic')
	const admin = await keeper.token('admin')
	const { pick, chance } = randomFrom(SEED)
	const operations = read((await (await keeper.fetch('/openapi.json')).json()) as { paths: Record<string, Record<string, Described>> })
	assert.ok(operations.length >= 20, `${operations.length}`)

	function nextThing(schema: Schema | undefined, depth = 0): unknown {
		if (chance(0.3) || depth > 3) return pick(THINGS)
		if (schema?.type === 'object') return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, nextThing(inner, depth + 1)]))
		if (schema?.type === 'array') return [nextThing(schema.items, depth + 1), nextThing(schema.items, depth + 1)]
		if (schema?.type === 'integer' || schema?.type === 'number') return pick([0, 1, 7, -1, 2 ** 53, 1.5])
		return schema?.type === 'boolean' ? chance(0.5) : pick(THINGS)
	}

	function nextAsked({ path, parameters, body }: Operation): { target: string; body: Buffer | undefined; type: string } {
		const query = new Array<string>()
		let target = path
		for (const { name, in: where } of parameters) {
			if (where === 'path') target = target.replace(`{${name}}`, pick(VALUES))
			else if (where === 'query' && chance(0.7)) query.push(`${name}=${pick(VALUES)}`)
		}
		const text = body === undefined && chance(0.7) ? undefined : chance(0.3) ? pick(RAW) : JSON.stringify(nextThing(body))
		const type = chance(0.85) ? 'application/json' : pick(['text/plain', 'application/octet-stream', 'multipart/form-data; boundary=x', 'nonsense', 'application/x-www-form-urlencoded'])
		return { target: target + (query.length > 0 ? `?${query.join('&')}` : ''), body: text === undefined ? undefined : Buffer.from(text), type }
	}

	const faults: string[] = []
	for (const operation of operations) {
		for (let n = 0; n < PER_OPERATION; n++) {
			const { target, body, type } = nextAsked(operation)
			const isBodiless = operation.method === 'GET' || operation.method === 'HEAD'
			const sent = isBodiless ? undefined : body
			try {
				const status = chance(0.15) ? await bare(operation, target, { sent, type }) : await known(operation, target, { sent, type })
				if (status === 500 || !isSaid(operation, target, status)) faults.push(`${status}: ${operation.method} ${target.slice(0, 200)} ${type} ${String(sent).slice(0, 200)}`)
			} catch (error) {
				faults.push(`${operation.method} ${target.slice(0, 200)}: ${(error as Error).message} ${(error as Error).cause}`)
			}
		}
	}

	async function bare({ method }: Operation, target: string, { sent, type }: { sent: Buffer | undefined; type: string }): Promise<number> {
		return await statusOf(`${keeper.url}${encodeOddly(target)}`, { method, body: sent as Uint8Array<ArrayBuffer> | undefined, headers: { 'content-type': type, authorization: pick(['', 'Bearer x', 'Cairn', 'Basic OjpbXQ==', `Cairn ${'a '.repeat(900)}`]) } })
	}

	async function known(operation: Operation, target: string, { sent, type }: { sent: Buffer | undefined; type: string }): Promise<number> {
		if (operation.isForSites) return await signed(site, operation.method, encodeOddly(target), sent, type)
		return await statusOf(`${keeper.url}${encodeOddly(target)}`, { method: operation.method, body: sent as Uint8Array<ArrayBuffer> | undefined, headers: { 'content-type': type, authorization: `Bearer ${admin}` } })
	}

	assert.deepEqual(faults, [], `seed ${SEED}; ${keeper.reports.join('\n')}`)
	assert.equal((await fetch(`${keeper.url}/health`)).status, 200)
	assert.equal((await site.ask('POST', '/backup/v1/hello', { body: { starting: false } })).status, 200)
})

function read({ paths }: { paths: Record<string, Record<string, Described>> }): Operation[] {
	return Object.entries(paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, { parameters = [], requestBody, security, responses }]) => ({
			method: method.toUpperCase(),
			path,
			parameters,
			body: Object.values(requestBody?.content ?? {})[0]?.schema,
			isForSites: security?.some((each) => 'site' in each) === true,
			answers: Object.keys(responses),
		})),
	)
}

/** Nothing can be said of an address that leads elsewhere, by `..`. */
function isSaid({ path, answers }: Operation, target: string, status: number): boolean {
	if (!encodeOddly(target).startsWith(path.split('{', 1)[0])) return true
	return answers.includes(String(status)) || answers.includes(`${Math.floor(status / 100)}XX`)
}

/** As the client would send it, so that what is signed is what arrives. */
function encodeOddly(target: string): string {
	const { pathname, search } = new URL(`http://x${target}`)
	return pathname + search
}

async function signed(site: TestSite, method: string, target: string, body: Buffer | undefined, type: string): Promise<number> {
	const { status } = await site.ask(method, target, { body, headers: { 'content-type': type } })
	return status
}

async function statusOf(url: string, init: RequestInit): Promise<number> {
	const answer = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(DEADLINE_MS) })
	await answer.body?.cancel()
	return answer.status
}

test('the description of the door is a valid one', async (t) => {
	const keeper = await openKeeper(t, { config: { backup: { legacy: true } } })
	const document = (await (await keeper.fetch('/openapi.json')).json()) as { paths: Record<string, Record<string, Described>> }
	const { valid, errors } = await new Validator().validate(document as unknown as Parameters<Validator['validate']>[0])
	assert.ok(valid, JSON.stringify(errors))
	for (const path of ['/files/{*}', '/dav/{*}', '/uploads/{id}', '/{fid}']) assert.ok(document.paths[path].head, path)
	for (const [path, methods] of Object.entries(document.paths)) {
		const named = [...path.matchAll(/\{(.+?)\}/g)].map(([, name]) => name).sort()
		for (const { parameters = [] } of Object.values(methods)) assert.deepEqual(parameters.filter((each) => each.in === 'path').map(({ name }) => name).sort(), named, path)
	}
})
