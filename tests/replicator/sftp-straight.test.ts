/** What a host answers goes straight to where it is wanted, however the channel cuts it; whatever else it says is the library's. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { SFTPWrapper, Stats } from 'ssh2'
import { call } from '../../core/nodes/sftp-call.ts'
import { openSession, type Session } from '../../core/nodes/sftp-session.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

const PIECE_BYTES = 240 * 1024
const CONTENT = randomBytes(5 * PIECE_BYTES + 77)

let sshd: Sshd
let directory: string
let session: Session
before(async () => {
	sshd = await startSshd()
	directory = disk.mkdtempSync(join(tmpdir(), 'cairn-straight-'))
	disk.writeFileSync(join(directory, 'big'), CONTENT)
	const { port, keyFile, knownHostsFile } = sshd
	session = openSession('n', { host: '127.0.0.1', port, user: 'root', path: '/', keyFile, knownHostsFile })
})
after(async () => {
	await session.end()
	await sshd.stop()
	disk.rmSync(directory, { recursive: true })
})

type Push = (data: Buffer | null) => void
const insidesOf = (sftp: SFTPWrapper) => sftp as unknown as { push: Push; _requests: Record<number, unknown> }

/** A piece is asked for, and other things between them. */
async function readAll(sftp: SFTPWrapper): Promise<Buffer> {
	const handle = await call<Buffer>(sftp, (done) => sftp.open(join(directory, 'big'), 'r', done))
	const into = Buffer.alloc(CONTENT.length)
	const asked: Array<Promise<unknown>> = []
	for (let at = 0; at < into.length; at += PIECE_BYTES) {
		const length = Math.min(PIECE_BYTES, into.length - at)
		asked.push(call<number>(sftp, (done) => sftp.read(handle, into, at, length, at, done)).then((bytes) => assert.equal(bytes, length)))
		asked.push(call<Stats>(sftp, (done) => sftp.fstat(handle, done)).then(({ size }) => assert.equal(size, CONTENT.length)))
	}
	asked.push(assert.rejects(call(sftp, (done) => sftp.open(join(directory, 'nothing'), 'r', done)), { code: 'ENOENT' }))
	await Promise.all(asked)
	await call<void>(sftp, (done) => sftp.close(handle, done))
	return into
}

test('where the library has it is not written anywhere: it is still there', async () => {
	const sftp = await session.get()
	assert.ok(Object.hasOwn(sftp, 'push'))
	assert.deepEqual(await readAll(sftp), CONTENT)
	assert.deepEqual(Object.keys(insidesOf(sftp)._requests), [], 'none is waited for')
})

test('it may be cut anywhere', async () => {
	const seed = seedOfRun()
	const random = randomFrom(seed)
	const sftp = await session.get()
	const insides = insidesOf(sftp)
	const whole = insides.push
	insides.push = (data) => {
		if (!data) return whole(data)
		for (let at = 0; at < data.length; ) {
			const end = Math.min(data.length, at + 1 + random.below(random.chance(0.5) ? 16 : 20_000))
			whole(data.subarray(at, end))
			at = end
		}
	}
	for (let round = 0; round < 5; round++) assert.deepEqual(await readAll(sftp), CONTENT, `seed ${seed}`)
	assert.deepEqual(Object.keys(insides._requests), [])
	insides.push = whole
})

test('what ends before it was asked to end is what there is', async () => {
	const sftp = await session.get()
	const handle = await call<Buffer>(sftp, (done) => sftp.open(join(directory, 'big'), 'r', done))
	const into = Buffer.alloc(1_000, 7)
	const last = CONTENT.length - 10
	assert.equal(await call<number>(sftp, (done) => sftp.read(handle, into, 0, into.length, last, done)), 10)
	assert.deepEqual(into.subarray(0, 10), CONTENT.subarray(last))
	assert.ok(into.subarray(10).every((byte) => byte === 7))
	assert.equal(await call<number>(sftp, (done) => sftp.read(handle, into, 0, into.length, CONTENT.length, done)), 0)
	await call<void>(sftp, (done) => sftp.close(handle, done))
})
