/** How long is listened to a client that sends on after its answer, bound by bound; and one whose body was begun to be read is served on. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import fastify from 'fastify'
import { takeBodies } from '../../api/content/body.ts'
import { partFromSenders } from '../../api/parting.ts'

const NEVER_MS = 600_000
const MIB = 1_048_576

/** Answers as soon as something has come. */
async function refuser(t: TestContext, bounds?: Parameters<typeof partFromSenders>[1]): Promise<{ begin: (bytes: number) => Socket; left: Promise<unknown> }> {
	const app = fastify({ forceCloseConnections: true })
	partFromSenders(app, bounds)
	takeBodies(app)
	app.put('/', async ({ raw }, reply) => {
		await once(raw, 'readable')
		raw.read(1)
		return reply.code(413).send({ error: 'too much' })
	})
	await app.listen({ host: '127.0.0.1', port: 0 })
	t.after(() => app.close())
	const begin = (bytes: number) => {
		// It does not end its side when the door does.
		const socket = connect({ port: (app.server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)
		t.after(() => socket.destroy())
		socket.write(`PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes}\r\n\r\n`)
		return socket
	}
	// As the door sees it: whoever keeps his side open need not hear of it.
	const left = new Promise((resolve) => app.server.once('connection', (socket) => socket.once('close', resolve)))
	return { begin, left }
}

test('whoever sends for ever is left after so many bytes', async (t) => {
	const { begin, left } = await refuser(t, { bytesMax: 2 * MIB, msMax: NEVER_MS })
	const socket = begin(10 ** 12).resume()
	const more = () => void socket.write(Buffer.alloc(MIB), (error) => error ?? more())
	more()
	await left
})

test('whoever says that more comes and sends none is left after so long', async (t) => {
	const { begin, left } = await refuser(t, { bytesMax: Number.POSITIVE_INFINITY, msMax: 100 })
	const socket = begin(10 ** 9).resume()
	socket.write('x')
	await left
})

test('what is small is read over, and the next request on the connection answered', async (t) => {
	const { begin } = await refuser(t)
	const bytes = 500_000
	const socket = begin(bytes)
	let text = ''
	socket.setEncoding('utf8').on('data', (chunk) => (text += chunk))
	const answers = async (many: number) => {
		while (text.split('413').length <= many) await once(socket, 'data')
	}
	socket.write(Buffer.alloc(bytes))
	await answers(1)
	socket.write('PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx')
	await answers(2)
	assert.doesNotMatch(text, /connection: close/i)
})
