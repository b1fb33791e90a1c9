/** A proxy in front of a MySQL server that counts the packets of a client and can lose a COMMIT on its way, or its answer. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

const COM_QUERY = 3
const ASKS_WHETHER = /INSERT INTO commit_token .* ON DUPLICATE KEY/

/**
 * - `answer`: the server carries the COMMIT out, the answer is lost
 * - `request`: the COMMIT never arrives
 * - `hung`: the server carries it out, and nobody is answered any more until `wake` is called
 * - `unanswered`: the server carries it out, and neither that connection is answered any more nor the one that asks first what became of it
 * - `late`: the client loses the connection, the COMMIT arrives when `deliver` is called
 */
export type Loss = 'answer' | 'request' | 'late' | 'hung' | 'unanswered'

export interface MysqlProxy {
	port: number
	/** The statements of each packet so far. */
	queries: string[]
	/** Does this to the next packet with a COMMIT in it, and with these words. */
	lose(loss: Loss, words?: string): void
	wake(): void
	/** Hands over what was late; ends when the server has answered or hung up. */
	deliver(): Promise<void>
	close(): void
}

export async function startProxy(serverPort: number): Promise<MysqlProxy> {
	const sockets = new Set<Socket>()
	const queries: string[] = []
	let loss: Loss | undefined
	let lossOf = ''
	let isQuestionLost = false
	let isHung = false
	let late: { server: Socket; packet: Buffer } | undefined

	const proxy = createServer((client) => {
		const server = connect(serverPort, '127.0.0.1')
		let answersLost = false
		let isUnanswered = false
		for (const socket of [client, server]) {
			sockets.add(socket)
			// A connection that was cut ends with ECONNRESET on one side or the other; `close` follows.
			socket.on('error', () => socket.destroy())
			socket.on('close', () => sockets.delete(socket))
		}
		server.on('data', (data) => {
			if (isHung || isUnanswered) return
			if (answersLost) client.destroy()
			else client.write(data)
		})
		server.on('close', () => client.destroy())
		client.on('close', () => late?.server !== server && server.destroy())
		client.on(
			'data',
			packets((packet) => {
				const query = packet[4] === COM_QUERY ? packet.subarray(5).toString('latin1') : ''
				if (query) queries.push(query)
				if (isQuestionLost && ASKS_WHETHER.test(query)) {
					isQuestionLost = false
					isUnanswered = true
				}
				if (!loss || !/;COMMIT$/.test(query) || !query.includes(lossOf)) return void server.write(packet)
				const how = loss
				loss = undefined
				isHung = how === 'hung'
				isUnanswered = how === 'unanswered'
				isQuestionLost = isUnanswered
				if (isHung || isUnanswered) return void server.write(packet)
				answersLost = true
				if (how === 'answer') return void server.write(packet)
				if (how === 'late') late = { server, packet }
				client.destroy()
			}),
		)
	}).listen(0, '127.0.0.1')
	await once(proxy, 'listening')
	const address = proxy.address()
	if (address === null || typeof address === 'string') throw new Error('no port was given')

	return {
		port: address.port,
		queries,
		lose(how, words = '') {
			loss = how
			lossOf = words
		},
		wake() {
			isHung = false
		},
		async deliver() {
			if (!late) throw new Error('nothing is late')
			const { server, packet } = late
			late = undefined
			const answered = Promise.race([once(server, 'data'), once(server, 'close')])
			server.write(packet)
			await answered
			server.destroy()
		},
		close() {
			proxy.close()
			for (const socket of sockets) socket.destroy()
		},
	}
}

/** Cuts a stream into packets of the protocol: three bytes of length, a number, the rest. */
function packets(each: (packet: Buffer) => void): (data: Buffer) => void {
	let buffer = Buffer.alloc(0)
	return (data) => {
		buffer = Buffer.concat([buffer, data])
		while (buffer.length >= 4 && buffer.length >= 4 + buffer.readUIntLE(0, 3)) {
			const length = 4 + buffer.readUIntLE(0, 3)
			each(buffer.subarray(0, length))
			buffer = buffer.subarray(length)
		}
	}
}
