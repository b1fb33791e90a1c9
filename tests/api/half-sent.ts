/** A request half of whose body is there; the rest comes when a test says so. */
import { request as httpRequest } from 'node:http'
import type { TestDoor } from './door.ts'

export interface Sent {
	method: string
	target: string
	body: string
	headers?: Record<string, string>
}

export function begin({ url }: Pick<TestDoor, 'url'>, { method, target, body, headers = {} }: Sent, token?: string) {
	const { hostname, port } = new URL(url)
	const half = Math.floor(body.length / 2)
	const all = { ...headers, ...(token && { authorization: `Bearer ${token}` }), 'content-length': String(body.length) }
	const asked = httpRequest({ hostname, port, method, path: target, headers: all, agent: false })
	const answered = new Promise<[status: number, body: string]>((resolve, reject) => {
		asked.on('error', reject).on('response', (answer) => {
			let text = ''
			answer.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => resolve([answer.statusCode ?? 0, text]))
		})
	})
	/** Of one that asks first (`Expect`): it is let in. */
	const begun = new Promise<void>((resolve) => asked.on('continue', resolve))
	asked.write(body.slice(0, half))
	return { target, begun, end: () => asked.end(body.slice(half)), answered }
}
