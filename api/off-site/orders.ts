/** The way back: what the keeper asked a site for, and its bytes. */
import type { FastifyInstance } from 'fastify'
import type { OrderRow } from '../../core/catalogue/backup-orders.ts'
import * as table from '../../core/catalogue/backup-orders.ts'
import { CatalogueError, codeOf } from '../../core/errors.ts'
import { run } from '../../core/op.ts'
import { fulfil } from '../../core/off-site/put-back.ts'
import { printable, takeLoss } from '../../core/off-site/report.ts'
import { dropScratch, takePart } from '../../core/off-site/upload.ts'
import type { Api } from '../api.ts'
import { logLine, siteOf } from './credentials.ts'
import { notFound, Refusal } from './failure.ts'
import type { Site } from './known-sites.ts'
import { shownPath } from './places.ts'
import { failBody, limitQuery, nothing, offsetQuery, orderParams, ordersAnswer, partAnswer, schemaOf } from './schemas.ts'

export const PART_BYTES_MAX = 8 * 1_048_576
const LOSSES = { missing: 'gone', mismatch: 'mismatch', io: 'io' } as const
const FULL = new Set(['ENOSPC', 'EDQUOT'])
const config = { access: 'site' } as const

export function orders(app: FastifyInstance, api: Api): void {
	const { fs } = api

	const listing = schemaOf({ summary: 'what the keeper wants back', querystring: limitQuery }, ordersAnswer)
	app.get<{ Querystring: { limit: number } }>('/orders', { config, schema: listing }, async (request) => {
		const rows = await table.ofSite(fs.catalogue, siteOf(request).row.id, 'asked', request.query.limit)
		return { orders: rows.map(shown) }
	})

	const putting = schemaOf({ summary: 'a part of a file', params: orderParams, querystring: offsetQuery }, partAnswer)
	const options = { config, schema: putting, bodyLimit: PART_BYTES_MAX }
	app.put<{ Params: { order: number }; Querystring: { offset: number }; Body: Buffer | undefined }>('/orders/:order', options, async (request) => {
		const site = siteOf(request)
		const order = await find(api, site, request.params.order)
		if (order.state !== 'asked') return { offset: order.size, done: true }
		const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
		const taken = await api.changing(() => takePart(fs, order, request.query.offset, bytes).catch((error) => giveUpIfFull(api, site, order, error)))
		if ('wrongOffset' in taken) throw new Refusal(409, 'offset', `the next byte is ${taken.wrongOffset}`, { offset: taken.wrongOffset })
		if ('wrongHash' in taken) {
			logLine(api, site, { what: 'restore', detail: `order ${order.id}: what came has another hash` })
			throw new Refusal(422, 'hash', 'what came is not the file that was asked for', { offset: 0 })
		}
		if (taken.done) await api.changing(() => finish(api, site, order))
		return taken
	})

	const failing = schemaOf({ summary: 'the site cannot send it', params: orderParams, body: failBody }, nothing)
	app.post<{ Params: { order: number }; Body: { error: keyof typeof LOSSES; text?: string } }>('/orders/:order/fail', { config, schema: failing }, async (request) => {
		const site = siteOf(request)
		const order = await find(api, site, request.params.order)
		if (order.state !== 'asked') return {}
		const { error, text = '' } = request.body
		await end(api, site, order, { state: 'failed', detail: printable(text === '' ? error : `${error}: ${text}`) })
		await run(dropScratch(fs, order.id))
		await takeLoss(fs, site.row, { id: order.file_id, version: order.version, path: Buffer.from(order.path), error: LOSSES[error], text: 'it was asked back' })
		return {}
	})
}

function shown({ id, kind, path, size, hash, received }: OrderRow): object {
	return { order: id, kind: kind === 'drill' ? 'drill' : 'restore', ...shownPath(path), size, hash: hash === null ? null : Buffer.from(hash).toString('hex'), offset: received }
}

async function find({ fs }: Api, { row }: Site, id: number): Promise<OrderRow> {
	const order = await table.find(fs.catalogue, id, row.id)
	if (!order) throw notFound('there is no such order')
	return order
}

/** Asked again and again, one file for which no node has room would keep all others waiting; what is there of it may be room for them. */
async function giveUpIfFull(api: Api, site: Site, order: OrderRow, error: unknown): Promise<never> {
	if (error instanceof CatalogueError || !FULL.has(codeOf(error))) throw error
	await end(api, site, order, { state: 'failed', detail: 'no node has room for it' })
	await run(dropScratch(api.fs, order.id))
	throw notFound('no node has room for it: it is not asked for any more')
}

async function finish(api: Api, site: Site, order: OrderRow): Promise<void> {
	try {
		const state = await run(fulfil(api.fs, order))
		await end(api, site, order, { state, detail: '' })
	} catch (error) {
		if (error instanceof CatalogueError || codeOf(error) === 'EIO') throw error
		// The bytes are right, the place is not: they stay, and the keeper decides.
		await end(api, site, order, { state: 'failed', detail: (error as Error).message })
	}
}

async function end({ fs, report }: Api, site: Site, order: OrderRow, result: { state: table.OrderState; detail: string }): Promise<void> {
	await fs.catalogue.transaction(function* (tx) {
		table.setState(tx, order.id, result, fs.capabilities)
	})
	if (result.state !== 'failed') return
	report(`site ${site.row.name}: order ${order.id}: ${result.detail}`)
	logLine({ fs, report }, site, { what: 'restore', detail: `order ${order.id}: ${result.detail}` })
}
