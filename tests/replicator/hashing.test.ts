/** Hashing files of nodes on other threads. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import * as disk from 'node:fs'
import { test, type TestContext } from 'node:test'
import { Errno } from '../../core/errors.ts'
import type { Node } from '../../core/nodes/node.ts'
import { type Hashing, openHashing } from '../../replicator/hashing/hashing.ts'
import { hashQuietInto, quietSince } from '../../replicator/hashing/content.ts'
import { hashAt, isRead, newPacket, sizeOf } from '../../replicator/hashing/packets.ts'
import { nameIn } from '../../replicator/walk/sheaf.ts'
import { type Installation, installation } from '../unit/installation.ts'

const MIB = 1024 * 1024

interface Ground extends Installation {
	hashing: Hashing
	local: Node
	/** Puts a file on the node: its hash. */
	put(name: string, bytes: Uint8Array): string
	/** The hash of a file of the node, or the code of why there is none. */
	hash(name: string, node?: Node): Promise<string>
}

async function ground(t: TestContext): Promise<Ground> {
	const place = await installation(t)
	const { fs } = await place.start()
	const local = fs.nodes.get(1) as Node
	const hashing = openHashing(2)
	t.after(() => hashing.end())
	return {
		...place,
		hashing,
		local,
		put(name, bytes) {
			disk.writeFileSync(place.node(1, name), bytes)
			return createHash('sha256').update(bytes).digest('hex')
		},
		hash: (name, node = local) =>
			hashing.hashFile(node, Buffer.from(name)).then(
				({ hash }) => hash.toString('hex'),
				(error: Errno) => error.code,
			),
	}
}

test('each of many files asked for at once gets its own hash and what stat says of it', async (t) => {
	const { put, hashing, local, node } = await ground(t)
	const wanted = new Map<string, string>()
	for (let index = 0; index < 500; index++) wanted.set(`f${index}`, put(`f${index}`, randomBytes(index * 7)))
	const got = await Promise.all([...wanted.keys()].map((name) => hashing.hashFile(local, Buffer.from(name))))
	assert.deepEqual(
		got.map(({ hash }) => hash.toString('hex')),
		[...wanted.values()],
	)
	const { stat } = got[77]
	const real = disk.statSync(node(1, 'f77'), { bigint: true })
	assert.deepEqual([stat.size, stat.ino, stat.dev, stat.mode, stat.nlink, stat.mtime, stat.mtimeNs].map(BigInt), [
		real.size,
		real.ino,
		real.dev,
		real.mode,
		real.nlink,
		real.mtimeNs / 1_000_000_000n,
		real.mtimeNs % 1_000_000_000n,
	])
})

test('files of every size around the limits of one read', async (t) => {
	const { put, hash } = await ground(t)
	for (const size of [0, 1, MIB - 1, MIB, MIB + 1, 16 * MIB, 16 * MIB + 1, 33 * MIB]) {
		const name = `s${size}`
		assert.equal(put(name, Buffer.alloc(size, name)), await hash(name), name)
	}
})

test('what is no regular file beneath the root has no hash', async (t) => {
	const { put, hash, node, directory } = await ground(t)
	put('f', Buffer.from('text'))
	disk.mkdirSync(node(1, 'd'))
	disk.symlinkSync('f', node(1, 'l'))
	disk.symlinkSync(directory, node(1, 'up'))
	assert.equal(await hash('gone'), 'ENOENT')
	assert.equal(await hash('d'), 'EINVAL')
	assert.equal(await hash('l'), 'ELOOP')
	assert.equal(await hash('up/catalogue.db'), 'ELOOP')
	assert.equal(await hash('../catalogue.db'), 'EXDEV')
	assert.equal(await hash('f/below'), 'ENOTDIR')
})

test('a name of 255 bytes in no encoding, beside others in one message', async (t) => {
	const { node, hashing, local } = await ground(t)
	const name = Buffer.concat([Buffer.from([0xff, 0x0a]), Buffer.alloc(253, 0x80)])
	disk.writeFileSync(Buffer.concat([Buffer.from(`${node(1)}/`), name]), 'odd')
	const [odd, gone] = await Promise.allSettled([name, Buffer.from('gone')].map((path) => hashing.hashFile(local, path)))
	assert.equal(odd.status === 'fulfilled' && odd.value.hash.equals(createHash('sha256').update('odd').digest()), true)
	assert.equal(gone.status === 'rejected' && gone.reason.code, 'ENOENT')
})

test('a large file is paced, and one that changes in between is not vouched for', async (t) => {
	const { put, hashing, local, node } = await ground(t)
	const bytes = Buffer.alloc(10 * MIB, 'x')
	const hash = put('f', bytes)
	let paced = 0
	const pace = async (count: number) => {
		paced += count
	}
	assert.equal((await hashing.hashFile(local, Buffer.from('f'), { pace })).hash.toString('hex'), hash)
	assert.equal(paced >= bytes.length, true)
	const meddle = async () => disk.appendFileSync(node(1, 'f'), 'y')
	await assert.rejects(hashing.hashFile(local, Buffer.from('f'), { pace: meddle }), { code: 'EAGAIN' })
})

test('it can be stopped: one file by its signal, all by the end', async (t) => {
	const { put, hashing, local } = await ground(t)
	put('f', Buffer.alloc(10 * MIB))
	const stop = new AbortController()
	const pace = async () => stop.abort()
	await assert.rejects(hashing.hashFile(local, Buffer.from('f'), { pace, signal: stop.signal }), { code: 'ECANCELED' })
	await assert.rejects(hashing.hashFile(local, Buffer.from('f'), { signal: stop.signal }), { code: 'ECANCELED' })
	const under = hashing.hashFile(local, Buffer.from('f'))
	const queued = Array.from({ length: 1_000 }, () => hashing.hashFile(local, Buffer.from('f')))
	const ended = Promise.allSettled([under, ...queued])
	hashing.end()
	for (const each of await ended) assert.equal(each.status === 'rejected' && each.reason.code, 'ECANCELED')
})

test('the directory of another node is not read', async (t) => {
	const { put, hash, node } = await ground(t)
	put('f', Buffer.from('text'))
	disk.writeFileSync(node(1, '.cairn/node.json'), JSON.stringify({ uuid: 'another', name: 'another' }))
	assert.equal(await hash('f'), 'ESTALE')
	disk.rmSync(node(1, '.cairn'), { recursive: true })
	assert.equal(await hash('f'), 'ENODEV')
})

test('a remote node is read by its own calls, and one that hangs holds up no other', async (t) => {
	const { put, hash, local } = await ground(t)
	const expected = put('f', Buffer.alloc(3 * MIB, 'abc'))
	const remote: Node = { ...local, remote: true }
	assert.equal(await hash('f', remote), expected)
	assert.equal(await hash('gone', remote), 'ENOENT')
	let answer = () => {}
	const hung: Node = {
		...remote,
		operations: { ...local.operations, open: () => new Promise((_, reject) => (answer = () => reject(new Errno('ETIMEDOUT')))) },
	}
	const waiting = hash('f', hung)
	assert.equal(await hash('f'), expected)
	answer()
	assert.equal(await waiting, 'ETIMEDOUT')
})

test('whole directories: what is in them, flat', async (t) => {
	const { put, hashing, local, node } = await ground(t)
	for (const name of ['d', 'd/e', 'none', 'odd', 'twice']) disk.mkdirSync(node(1, name))
	const strange = Buffer.from([0xff, 0x0a])
	for (const name of ['b', 'a', 'a.txt', 'ab']) put(`d/${name}`, Buffer.from(name))
	disk.writeFileSync(Buffer.concat([Buffer.from(node(1, 'd/')), strange]), 'strange')
	for (const name of disk.readdirSync(node(1, 'd'), { encoding: 'buffer' })) disk.utimesSync(Buffer.concat([Buffer.from(node(1, 'd/')), name]), 1, 1.5)
	put('twice/a', Buffer.from('text'))
	disk.linkSync(node(1, 'twice/a'), node(1, 'twice/b'))
	disk.symlinkSync('d', node(1, 'odd/l'))
	const surveys = await hashing.survey(local, ['d', 'none', 'odd', 'twice', 'gone', 'odd/l'].map((path) => Buffer.from(path)), 6)
	const facts = ['a\x001', 'a.txt\x005', 'ab\x002', 'b\x001', '\xff\n\x007'].map((fact) => `${fact},1,500000000`).join('/')
	assert.deepEqual(surveys, [{ facts, files: 5, directories: ['e'], isEarly: false }, { facts: '', files: 0, directories: [], isEarly: false }, undefined, undefined, undefined, undefined])
	assert.deepEqual(await hashing.survey(local, [Buffer.from('d')], 5), [undefined], 'more names than are asked for')
	for (const [name, size] of [['old', 0], ['large', 12_345_678_901]] as const) {
		put(`none/${name}`, Buffer.alloc(0))
		disk.truncateSync(node(1, `none/${name}`), size)
		execFileSync('touch', ['-d', name === 'old' ? '@-10.75' : '@4000000000', node(1, `none/${name}`)])
	}
	const [{ facts: far } = { facts: '' }] = await hashing.survey(local, [Buffer.from('none')], 5)
	assert.equal(far, 'large\x0012345678901,4000000000,0/old\x000,-11,250000000')
})

test('a file that has not changed lately is read and looked at once, any other as ever', async (t) => {
	const { put, node } = await ground(t)
	const facts = (name: string, since: number) => {
		const packet = newPacket(1)
		const fd = disk.openSync(node(1, name), 'r')
		try {
			hashQuietInto(packet, 0, fd, since)
			return [isRead(packet.numbers, 0), hashAt(packet.hashes, 0).toString('hex'), sizeOf(packet.numbers, 0)]
		} finally {
			disk.closeSync(fd)
		}
	}
	const changed = Math.floor(Date.now() / 1_000)
	for (const [name, bytes] of [['none', 0], ['small', 5_000], ['fits', 65_536], ['large', 65_537]] as const) {
		const wanted = [true, put(name, randomBytes(bytes)), bytes]
		assert.deepEqual([facts(name, changed + 1_000), facts(name, changed - 1_000)], [wanted, wanted], name)
	}
	assert.throws(() => facts('.', changed + 1_000), { code: 'EINVAL' })
	assert.ok(quietSince() < changed - 1, 'what changed a moment ago is no quiet file')
})

test('whole directories with their files read', async (t) => {
	const { put, hashing, local, node } = await ground(t)
	for (const name of ['d', 'd/e', 'none']) disk.mkdirSync(node(1, name))
	const wanted = ['b', 'a', 'c'].map((name) => [name, put(`d/${name}`, randomBytes(5000))]).sort()
	put('d/large', Buffer.alloc(MIB + 1))
	disk.symlinkSync('a', node(1, 'd/l'))
	const [d, none, gone] = await hashing.gather(local, ['d', 'none', 'gone'].map((path) => Buffer.from(path)), 10)
	assert.ok(d && none)
	assert.deepEqual(wanted, [0, 1, 2].map((at) => [`${nameIn(d, at)}`, hashAt(d.hashes, at).toString('hex')]))
	assert.deepEqual([`${nameIn(d, 3)}`, isRead(d.numbers, 3), sizeOf(d.numbers, 3)], ['large', false, MIB + 1])
	const others = d.others.map(({ name, kind, stat }) => [name, kind, stat?.ino]).sort()
	assert.deepEqual(others, [['e', 4, disk.statSync(node(1, 'd/e')).ino], ['l', 10, undefined]])
	assert.deepEqual([none.ends.length, none.others, gone], [0, [], undefined])
	assert.deepEqual(await hashing.gather(local, [Buffer.from('d')], 5), [undefined], 'more names than are asked for')
})
