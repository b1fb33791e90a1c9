/** What SeaweedFS's clients write and read as text: ids, addresses, lifetimes, replication, checksums, tokens. */
import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { parseAddress } from '../../api/objects/address.ts'
import { crc32c, formatCrc } from '../../api/objects/crc32c.ts'
import { assignedFid, type Fid, formatFid, NOT_OURS, parseFid, splitFid } from '../../api/objects/fid.ts'
import { isValidJwt, signJwt } from '../../api/objects/jwt.ts'
import { parseReplication, replicationOf, satisfies } from '../../api/objects/replication.ts'
import { parseTtl } from '../../api/objects/ttl.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const FID = { volume: 3, key: 0x01, cookie: 0x637037d6 }

test('an id is written as they write it', () => {
	assert.equal(formatFid(FID), '3,01637037d6')
	assert.equal(formatFid({ volume: 4294967295, key: 0x100, cookie: 1 }), '4294967295,010000000001')
	assert.equal(formatFid({ volume: 1, key: 0xabc, cookie: 0 }), '1,0abc00000000')
	assert.equal(formatFid({ volume: 1, key: Number.MAX_SAFE_INTEGER, cookie: 0xffffffff }), '1,1fffffffffffffffffffff')
})

test('an id is read in any case, with leading zeros and with a delta', () => {
	for (const [volume, text, key] of [
		['3', '01637037d6', 1], ['3', '1637037d6', 1], ['3', '01637037D6', 1], ['3', '0001637037d6', 1], ['3', '01637037d6_2', 3],
		['03', '0a637037d6_0', 10], ['3', 'ffffffffffffffff637037d6', NOT_OURS], ['3', '01637037d6_9999999999999999999', NOT_OURS], ['3', '00637037d6', 0],
	] as const) {
		const { delta: _, ...fid } = parseFid(volume, text) as Fid
		assert.deepEqual(fid, { ...FID, key }, `${volume},${text}`)
	}
	assert.equal(assignedFid(parseFid('3', '01637037d6_2') as Fid), '3,01637037d6')
	assert.equal(assignedFid(parseFid('3', '1637037D6') as Fid), '3,01637037d6')
})

test('what is no id says why', () => {
	for (const [volume, text] of [
		['', '01637037d6'], ['x', '01637037d6'], ['-1', '01637037d6'], ['4294967296', '01637037d6'], ['99999999999', '01637037d6'], ['3', ''], ['3', '637037d6'],
		['3', '637037d'], ['3', '0'.repeat(25)], ['3', '01637037dg'], ['3', '01637037d6_'], ['3', '01637037d6_x'], ['3', '01637037d6_1_2'], ['3', '01637037d6_-1'],
		['3', ' 1637037d6'], ['3.5', '01637037d6'], ['3', '01637037d6\n'], ['1e1', '01637037d6'],
	]) {
		assert.equal(typeof parseFid(volume, text), 'string', JSON.stringify([volume, text]))
	}
})

test('every id reads back as what it was written from', () => {
	const random = randomFrom(seedOfRun())
	for (let i = 0; i < 2_000; i++) {
		const fid = { volume: random.below(2 ** 32), key: 1 + random.below(2 ** (1 + random.below(31))) * random.below(2 ** 21), cookie: random.below(2 ** 32) }
		const text = formatFid(fid)
		assert.deepEqual(parseFid(...splitFid(text)), fid, text)
		assert.ok(text.length <= 33, text)
	}
})

test('the five forms of an address lead to the same object', () => {
	for (const [parts, name, extension] of [
		[['3,01637037d6'], '', ''],
		[['3,01637037d6.jpg'], '', '.jpg'],
		[['3', '01637037d6'], '', ''],
		[['3', '01637037d6.jpg'], '', '.jpg'],
		[['3', '01637037d6', 'my photo.tar.gz'], 'my photo.tar.gz', '.gz'],
		[['3', '01637037d6', 'plain'], 'plain', ''],
		[['3', '01637037d6', '.hidden'], '.hidden', ''],
	] as const) {
		assert.deepEqual(parseAddress(parts), { fid: FID, name, extension }, parts.join('/'))
	}
	assert.deepEqual(parseAddress(['3,01637037d6_1.png']), { fid: { ...FID, key: 2, delta: 1 }, name: '', extension: '.png' })
	for (const parts of [['3'], ['3,'], ['3', ''], ['3', '.jpg'], ['a', '01637037d6'], ['3,01637037d6,'], ['3,,01637037d6'], ['', '01637037d6']]) {
		assert.equal(typeof parseAddress(parts), 'string', parts.join('/'))
	}
})

test('lifetimes', () => {
	const day = 86_400
	for (const [text, seconds, written] of [
		['', 0, ''], ['0', 0, ''], ['0d', 0, ''], ['90', 5_400, '90m'], ['3m', 180, '3m'], ['4h', 14_400, '4h'], ['5d', 5 * day, '5d'], ['6w', 42 * day, '6w'],
		['7M', 210 * day, '7M'], ['8y', 2_920 * day, '8y'], ['255y', 255 * 365 * day, '255y'],
	] as const) {
		assert.deepEqual(parseTtl(text), { text: written, seconds }, text)
	}
	for (const text of ['m', '3x', '-3m', '3mm', '256m', '1.5h', ' 3m', '3m ', '0x3m', '99999999999999999999y', 'NaN']) assert.equal(parseTtl(text), undefined, text)
})

test('replication: copies and zones of a wish, and a class in their words', () => {
	assert.deepEqual(parseReplication('000'), { copies: 1, zones: 1 })
	assert.deepEqual(parseReplication('001'), { copies: 2, zones: 1 })
	assert.deepEqual(parseReplication('010'), { copies: 2, zones: 2 })
	assert.deepEqual(parseReplication('200'), { copies: 3, zones: 3 })
	assert.deepEqual(parseReplication('1'), { copies: 2, zones: 1 })
	for (const text of ['', 'x', '0000', '-01', '0 1', '1e1', '٣00']) assert.equal(parseReplication(text), undefined, text)
	for (const [copies, zones, text] of [[1, 1, '000'], [2, 1, '001'], [2, 2, '100'], [3, 2, '101'], [1, 3, '000'], [30, 1, '009']] as const) {
		assert.equal(replicationOf({ copies, zones }), text)
	}
	assert.ok(satisfies({ copies: 2, zones: 1 }, { copies: 2, zones: 1 }))
	assert.ok(!satisfies({ copies: 2, zones: 1 }, { copies: 2, zones: 2 }))
	assert.ok(!satisfies({ copies: 1, zones: 1 }, { copies: 2, zones: 1 }))
})

test('CRC-32C: the values of RFC 3720, in one piece and in several', () => {
	const of = (bytes: Uint8Array) => formatCrc(crc32c(bytes))
	assert.equal(of(Buffer.from('123456789')), 'e3069283')
	assert.equal(of(new Uint8Array(32)), '8a9136aa')
	assert.equal(of(new Uint8Array(32).fill(0xff)), '62a8ab43')
	assert.equal(of(Uint8Array.from({ length: 32 }, (_, at) => at)), '46dd794e')
	assert.equal(of(Uint8Array.from({ length: 32 }, (_, at) => 31 - at)), '113fdb5c')
	assert.equal(of(new Uint8Array(0)), '00000000')
	const bytes = randomBytes(5_000)
	for (const cut of [0, 1, 7, 8, 9, 63, 4_999, 5_000]) assert.equal(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), crc32c(bytes), String(cut))
})

test('tokens for one object: what holds, and all that does not', () => {
	const token = signJwt('key', { fid: '3,01637037d6', exp: 100 })
	assert.ok(isValidJwt('key', token, '3,01637037d6', 100))
	assert.ok(!isValidJwt('key', token, '3,01637037d6', 101), 'too late')
	assert.ok(!isValidJwt('kez', token, '3,01637037d6', 1), 'another key')
	assert.ok(!isValidJwt('key', token, '3,02637037d6', 1), 'another object')
	const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
	const signed = (head: string) => `${head}.${createHmac('sha256', 'key').update(head).digest('base64url')}`
	const claims = part({ fid: '3,01637037d6', exp: 100 })
	assert.ok(!isValidJwt('key', `${part({ alg: 'none' })}.${claims}.`, '3,01637037d6', 1), 'no signature')
	assert.ok(!isValidJwt('key', signed(`${part({ alg: 'none' })}.${claims}`), '3,01637037d6', 1), 'another algorithm')
	assert.ok(!isValidJwt('key', signed(`${part({ alg: 'HS256' })}.${part({ fid: '3,01637037d6' })}`), '3,01637037d6', 1), 'for ever')
	assert.ok(!isValidJwt('key', signed(`${part({ alg: 'HS256' })}.bm8`), '3,01637037d6', 1), 'no JSON')
	for (const text of ['', 'a.b.c', token.slice(0, -1), `${token}x`, token.replace('.', ''), '...']) assert.ok(!isValidJwt('key', text, '3,01637037d6', 1), text)
})
