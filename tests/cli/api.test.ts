/** `cairn api` and `cairn token` as processes. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Agent, get } from 'node:https'
import { EXIT } from '../../cli/exit-codes.ts'
import { cairn, startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'
import { makeWorkplace, type Workplace } from './workplace.ts'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))

async function oneNode(t: TestContext, configuration: string): Promise<Workplace> {
	const place = makeWorkplace(t, configuration)
	await place.cairn('init')
	assert.equal((await place.cairn('node', 'add', 'n1', place.makeDirectory('n1'))).code, 0)
	return place
}

/** Ended with the test; the address it said it is ready at. */
async function serve(t: TestContext, place: Workplace, ...words: string[]): Promise<{ child: ChildProcess; address: string }> {
	const child = spawn(CAIRN, ['api', '--config', place.config, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
	t.after(() => child.kill('SIGKILL'))
	assert.ok(child.stdout)
	for await (const line of createInterface({ input: child.stdout })) {
		const [, address] = /^ready: (.*)/.exec(line) ?? []
		if (address) return { child, address }
	}
	throw new Error('it ended before it was ready')
}

const status = async (address: string, token = '') => (await fetch(`${address}/openapi.json`, { headers: { authorization: `Bearer ${token}` } })).status

test('a token is made, let in, listed, limited to its role and revoked', async (t) => {
	const place = await oneNode(t, '{ api: { listen: [{ at: "127.0.0.1:0" }] } }')
	const { child, address } = await serve(t, place)
	const made = await place.cairn('token', 'add', 'a reader', '--expires', '30d', '--path', '//photos//2019/')
	assert.equal(made.code, 0)
	const token = made.stdout.trim()
	assert.match(token, /^cairn_[\w-]{43}$/)
	assert.equal(await status(address, token), 200)
	const again = await place.cairn('token', 'add', 'a reader')
	assert.deepEqual([again.code, again.stdout, again.stderr], [EXIT.refused, '', "cairn: there is a token a reader already: cairn token revoke 'a reader'\n"])
	const [listed] = JSON.parse((await place.cairn('token', 'list', '--json')).stdout)
	assert.deepEqual([listed.name, listed.role, listed.paths, listed.expired], ['a reader', 'read', ['/photos/2019'], false])
	assert.doesNotMatch(readFileSync(place.catalogue, 'latin1') + (await place.cairn('token', 'list')).stdout, new RegExp(token))
	const signed = await place.cairn('token', 'sign', `${address}/openapi.json`, '--for', '5m')
	assert.equal((await fetch(signed.stdout.trim())).status, 200)
	const asked = await place.cairn('token', 'sign', `${address}/api/v1/list?path=%2E%2F`, '--for', '5m')
	assert.match(asked.stdout, /\?path=%2E%2F&expires=/)
	assert.equal((await fetch(asked.stdout.trim())).status, 200)
	assert.equal((await place.cairn('token', 'revoke', 'a reader')).code, 0)
	await until('it is refused', async () => (await status(address, token)) === 401 || undefined)
	const gone = await place.cairn('token', 'revoke', 'a reader')
	assert.deepEqual([gone.code, gone.stderr], [EXIT.refused, 'cairn: there is no token a reader; there are: none\n'])
	child.kill('SIGTERM')
	const [code] = await once(child, 'exit')
	assert.equal(code, 0)
})

for (const [words, why] of [
	[['add', '../x'], /no name for a token/],
	[['add', 'x', '--expires', 'soon'], /--expires: found 'soon'/],
	[['add', 'x', '--expires', '0d'], /--expires: found '0d', allowed: at least 1s/],
	[['add', 'x', '--path', ''], /--path: it is empty/],
	[['add', 'x', '--path', 'a/../b'], /--path: found "a\/..\/b", allowed: a path from the root of the tree/],
	[['add', 'x', '--per-minute', '-1'], /--per-minute: a whole number from 0/],
	[['add', 'x', '--role', 'king'], /role/],
	[['sign', 'ftp://x/y'], /no address/],
] as const) {
	test(`token ${words.join(' ')} is refused, and nothing changes`, async (t) => {
		const place = await oneNode(t, '{}')
		const said = await place.cairn('token', ...words)
		assert.equal(said.code, EXIT.usage)
		assert.match(said.stderr, why)
		assert.equal((await place.cairn('token', 'list', '--json')).stdout.trim(), '[]')
	})
}

test('an address that is taken, or a certificate that is not there: one line, and no process stays', async (t) => {
	const place = await oneNode(t, '{ api: { listen: [{ at: "127.0.0.1:0" }] } }')
	const { address } = await serve(t, place)
	const taken = await place.cairn('api', '--listen', new URL(address).host)
	assert.deepEqual([taken.code, taken.stderr], [EXIT.notStarted, `cairn: ${new URL(address).host}: cannot listen there (EADDRINUSE)\n`])
	const other = await oneNode(t, '{ api: { tlsCertFile: "none.pem", tlsKeyFile: "none.pem" } }')
	const missing = await other.cairn('api')
	assert.equal(missing.code, EXIT.configuration)
	assert.match(missing.stderr, /api\.tlsCertFile: .*none\.pem cannot be read \(ENOENT\)/)
	writeFileSync(join(other.directory, 'none.pem'), 'no certificate')
	const wrong = await other.cairn('api')
	assert.equal(wrong.code, EXIT.configuration, wrong.stderr)
	assert.match(wrong.stderr, /api\.tlsCertFile, api\.tlsKeyFile: .* are no certificate with its key/)
})

test('a socket that a killed process has left is taken over', async (t) => {
	const place = await oneNode(t, '{}')
	const socket = join(place.directory, 'api.sock')
	const { child } = await serve(t, place, '--listen', `unix:${socket}`)
	const exited = once(child, 'exit')
	child.kill('SIGKILL')
	await exited
	assert.ok(statSync(socket).isSocket())
	const { address } = await serve(t, place, '--listen', `unix:${socket}`)
	assert.equal(address, `unix:${socket}`)
})

test('with a certificate it speaks HTTPS, and SIGHUP takes the next one', async (t) => {
	const place = await oneNode(t, '{ api: { listen: [{ at: "127.0.0.1:0" }], tlsCertFile: "cert.pem", tlsKeyFile: "key.pem" } }')
	const files = ['cert.pem', 'key.pem'].map((name) => join(place.directory, name))
	const makeCertificate = (name: string) =>
		execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-out', files[0], '-keyout', files[1]], { stdio: 'ignore' })
	makeCertificate('first')
	const { child, address } = await serve(t, place)
	assert.match(address, /^https:/)
	assert.equal(await nameOf(address), 'first')
	rmSync(files[0])
	makeCertificate('second')
	child.kill('SIGHUP')
	await until('the new certificate', async () => (await nameOf(address)) === 'second' || undefined)
})

/** Of the certificate it shows. */
function nameOf(address: string): Promise<string> {
	return new Promise((resolve, reject) => {
		const agent = new Agent({ rejectUnauthorized: false, maxCachedSessions: 0 })
		const request = get(`${address}/health`, { agent }, (response) => {
			const { subject } = (response.socket as import('node:tls').TLSSocket).getPeerCertificate()
			response.resume().on('end', () => {
				agent.destroy()
				resolve(String(subject.CN))
			})
		})
		request.on('error', reject)
	})
}

test('up serves over HTTP with the token it shows once', async (t) => {
	const up = await startUp({ nodes: 1, api: true })
	t.after(() => up.remove())
	const [, token] = /shown this once: (\S+)/.exec(up.said()) ?? []
	// Said when the door listens, and not before: the mount is ready earlier. Whoever goes there at once is answered.
	const address = await until('the door', () => /^ready: (http\S+) has the same over HTTP/m.exec(up.said())?.[1])
	assert.equal(await status(address, token), 200)
	const said = up.said()
	assert.equal(said.split(address).length, 2, `the address is said once: ${said}`)
	assert.ok(said.indexOf(`ready: ${up.mountPoint}\n`) < said.indexOf(address), said)
	assert.equal(await status(address), 401)
	await up.stop()
	await assert.rejects(fetch(`${address}/health`))
	const socket = `unix:${join(up.dir, 'sfss.sock')}`
	writeFileSync(up.config, readFileSync(up.config, 'utf8').replace('listen: [', `listen: [{ at: '${socket}', parts: ['sfss'], anybody: 'write' }, `))
	const again = await up.again()
	t.after(() => again.stop())
	assert.doesNotMatch(again.said(), /shown this once/)
	const open = await until('the open door', () => again.said().split('\n').find((line) => line.startsWith(`ready: ${socket}`)))
	assert.equal(open, `ready: ${socket} has sfss: anybody who reaches it may write`)
})

test('a first `up` that fails shows no token, and the next one does', async (t) => {
	const up = await startUp({
		api: true,
		async prepare(dir) {
			mkdirSync(join(dir, 'combined/in-the-way'), { recursive: true })
			const first = await cairn(['up', dir])
			assert.equal(first.code, EXIT.notEmpty)
			assert.doesNotMatch(first.stdout, /shown this once/)
			rmdirSync(join(dir, 'combined/in-the-way'))
		},
	})
	t.after(() => up.remove())
	const [, token] = /shown this once: (\S+)/.exec(up.said()) ?? []
	const address = await until('the door', () => /^ready: (http\S+) has the same over HTTP/m.exec(up.said())?.[1])
	assert.equal(await status(address, token), 200)
})
