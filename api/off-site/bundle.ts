/** Several small files in one answer: a line of JSON for each, then its bytes. What a request costs is then shared by all of them. */
import type { FastifyInstance } from 'fastify'
import type { VersionContent } from '../../core/off-site/content.ts'
import type { Api } from '../api.ts'
import { admit, takeStream } from './admit.ts'
import { siteOf } from './credentials.ts'
import { Refusal } from './failure.ts'
import { checkLeased, openLeased } from './file.ts'
import type { Site } from './known-sites.ts'
import { pour, type Send } from './pour.ts'
import { bundleBody, schemaOf } from './schemas.ts'

interface One {
	id: number
	version: number
}

export function bundle(app: FastifyInstance, api: Api): void {
	const schema = schemaOf({ summary: 'several small files that are leased, in one answer', body: bundleBody }, { type: 'string', format: 'binary' })
	app.post<{ Body: { files: One[] } }>('/bundle', { config: { access: 'site' }, schema }, async (request, reply) => {
		const site = siteOf(request)
		await admit(api, site)
		const end = takeStream(api, site)
		try {
			reply.hijack()
			const { raw } = reply
			raw.writeHead(200, { 'content-type': 'application/octet-stream', 'cache-control': 'private, no-transform' })
			await pour(api, site, { raw, what: 'a bundle' }, async (send) => {
				for (const one of request.body.files) await sendOne(api, site, one, send)
			})
		} finally {
			end()
		}
		return reply
	})
}

async function sendOne(api: Api, site: Site, { id, version }: One, send: Send): Promise<void> {
	let content: VersionContent
	try {
		await checkLeased(api, site, { id, version })
		content = await openLeased(api, id, version)
	} catch (error) {
		if (!(error instanceof Refusal)) throw error
		return await send([lineOf({ id, version, error: error.code })])
	}
	try {
		const { size } = content.row
		await send(after(lineOf({ id, version, size }), content.bytes(0, size)))
	} finally {
		await content.close()
	}
}

function lineOf(value: object): Buffer {
	return Buffer.from(`${JSON.stringify(value)}\n`)
}

/** In one piece with the first of what follows. */
async function* after(line: Buffer, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
	let first: Buffer | undefined = line
	for await (const chunk of bytes) {
		yield first ? Buffer.concat([first, chunk]) : chunk
		first = undefined
	}
	if (first) yield first
}
