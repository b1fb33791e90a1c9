/** The dialects of the door beside each other: how each writes and reads a file, and how each says that something went wrong. */
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http'
import type { ListenConfig } from '../../core/config/types.ts'
import type { TestDoor } from './door.ts'

/** Every dialect, without tokens: this is not about who may. */
export const ANYBODY: ListenConfig[] = [{ at: '127.0.0.1:0', anybody: 'write' }]

export interface Sent {
	method: string
	/** As it stands in the first line of the request. */
	target: string
	headers?: Record<string, string>
	body?: string | Buffer
	/** How long it is is not announced. */
	chunked?: boolean
}

export interface Answer {
	status: number
	headers: IncomingHttpHeaders
	body: Buffer
}

export interface Dialect {
	name: string
	/** Brings about that there is a file with this content, whose requests are then given. */
	prepare(door: TestDoor, name: string, content: string): Promise<Target>
	/** What went wrong, in its words; undefined where the answer has not its shape. */
	reason(answer: Answer): string | undefined
}

export interface Target {
	read: Sent
	write: Sent
	/** Where it is in the tree. */
	path: string
	/** Uploads the same name, or one like it, that leads nowhere yet; undefined where this dialect writes only to what is there. */
	fresh: Sent | undefined
}

/** Without what `fetch` makes of an address. */
export function ask(door: Pick<TestDoor, 'url'>, { method, target, headers = {}, body = '', chunked = false }: Sent): Promise<Answer> {
	const { hostname, port } = new URL(door.url)
	return new Promise((resolve, reject) => {
		const length = chunked ? { 'transfer-encoding': 'chunked' } : method === 'GET' || method === 'HEAD' ? {} : { 'content-length': Buffer.byteLength(body) }
		const asked = httpRequest({ hostname, port, method, path: target, headers: { ...length, ...headers }, agent: false }, (answer) => {
			const chunks: Buffer[] = []
			answer.on('data', (chunk) => chunks.push(chunk)).on('error', reject)
			answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }))
		})
		asked.on('error', reject).end(body)
	})
}

function json({ headers, body }: Answer): Record<string, unknown> {
	return /^application\/json/.test(headers['content-type'] ?? '') ? (JSON.parse(body.toString()) as Record<string, unknown>) : {}
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

async function put(door: TestDoor, target: string, content: string): Promise<void> {
	const { status, body } = await ask(door, { method: 'PUT', target, body: content })
	if (status >= 300) throw new Error(`PUT ${target}: ${status} ${body}`)
}

function byPath(name: string, { prefix, write, fresh, reason }: { prefix: string; write: Omit<Sent, 'target'> & { prefix: string }; fresh: boolean; reason: Dialect['reason'] }): Dialect {
	return {
		name,
		reason,
		async prepare(door, file, content) {
			await put(door, `/files/${file}`, content)
			const sent = (path: string) => ({ ...write, target: write.prefix + path })
			return { path: file, read: { method: 'GET', target: prefix + file }, write: sent(file), fresh: fresh ? sent(`${file}-new`) : undefined }
		},
	}
}

const files = byPath('files', {
	prefix: '/files/',
	write: { method: 'PUT', prefix: '/files/' },
	fresh: true,
	reason(answer) {
		const { code, message } = (json(answer).error ?? {}) as Record<string, unknown>
		return isText(code) && isText(message) ? message : undefined
	},
})

const dav = byPath('dav', {
	prefix: '/dav/',
	write: { method: 'PUT', prefix: '/dav/' },
	fresh: true,
	reason: ({ headers, body }) => (/^application\/xml/.test(headers['content-type'] ?? '') ? /<D:error xmlns:D="DAV:">.*<message [^>]*>([^<]+)</.exec(body.toString())?.[1] : undefined),
})

const sfss = byPath('sfss', {
	prefix: '/file?path=',
	write: { method: 'PUT', prefix: '/file?path=' },
	fresh: true,
	reason: (answer) => plainError(json(answer)),
})

const hercules = byPath('hercules', {
	prefix: '/api/v1/read?length=99999999&path=',
	write: { method: 'POST', prefix: '/api/v1/write?path=' },
	fresh: false,
	reason(answer) {
		const { success, error, code, data } = json(answer)
		return success === false && isText(error) && isText(code) && data === null ? error : undefined
	},
})

const objects: Dialect = {
	name: 'objects',
	/** Of what is not there nothing at all is said, as with them. */
	reason: (answer) => (answer.status === 404 && answer.body.length === 0 ? 'nothing' : plainError(json(answer))),
	async prepare(door, name, content) {
		const assigned = async () => String(json(await ask(door, { method: 'GET', target: '/dir/assign' })).fid)
		const fid = await assigned()
		await put(door, `/${fid.replace(',', '/')}/${name.slice(name.lastIndexOf('/') + 1)}`, content)
		const [entry] = await door.driver.all<{ name: Uint8Array }>('SELECT e.name FROM entry e JOIN file f ON f.id = e.file_id JOIN object o ON o.file_id = f.id ORDER BY o.id DESC LIMIT 1')
		const month = new Date().toISOString().slice(0, 7).replace('-', '/')
		return {
			path: `.blobs/default/${month}/${Buffer.from(entry.name)}`,
			read: { method: 'GET', target: `/${fid}` },
			write: { method: 'PUT', target: `/${fid}` },
			fresh: { method: 'PUT', target: `/${await assigned()}` },
		}
	},
}

function plainError({ error, ...rest }: Record<string, unknown>): string | undefined {
	return isText(error) && !('success' in rest) ? error : undefined
}

export const dialects: readonly Dialect[] = [files, dav, sfss, hercules, objects]
