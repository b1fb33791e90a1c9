/** Where objects are put, and what may be asked for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placementOf } from '../../api/objects/parameters.ts'
import { directoryOf, monthOf, nameOf } from '../../api/objects/place.ts'
import type { HttpError } from '../../api/errors.ts'

test('names a person can read, and a disk can take', () => {
	const named = (name: string, extension = '') => nameOf(0x1fb, { name, extension }).toString()
	assert.equal(named('photo.jpg'), '01fb_photo.jpg')
	assert.equal(named('', '.jpg'), '01fb.jpg')
	assert.equal(named(''), '01fb')
	assert.equal(named('naïve 写真.jpg'), '01fb_naïve 写真.jpg')
	assert.equal(named('a/b\0c\nd\x1b[2J'), '01fb_a_b_c_d_[2J')
	assert.equal(named('..'), '01fb_..')
	assert.equal(named('\ud800.jpg'), '01fb_\ufffd.jpg')
	for (const long of ['x'.repeat(300), `${'x'.repeat(300)}.jpg`, `${'ü'.repeat(200)}.jpg`, `x.${'y'.repeat(300)}`, '😀'.repeat(100), `${'x'.repeat(249)}😀`]) {
		const name = nameOf(0x1fb, { name: long, extension: '' })
		assert.ok(name.length <= 255, `${name.length} ${long}`)
		assert.ok(name.length > 245, `${name.length} ${long}`)
		assert.ok(!name.toString().includes('\ufffd'), long)
		if (long.endsWith('.jpg')) assert.ok(name.toString().endsWith('.jpg'))
	}
})

test('by collection and month', () => {
	const at = new Date('2026-01-31T23:59:59Z')
	assert.deepEqual(monthOf('pictures', at).map(String), ['.blobs', 'pictures', '2026', '01'])
	assert.deepEqual(monthOf('', at).map(String), ['.blobs', 'default', '2026', '01'])
	assert.equal(directoryOf('a').toString(), '.blobs/a')
})

test('placements, and what is none', () => {
	assert.deepEqual(placementOf({}), { collection: '', ttl: { text: '', seconds: 0 }, zone: '', replication: '', count: 1 })
	assert.deepEqual(placementOf({ collection: 'a.b-c_1', ttl: '3', dataCenter: 'dc1', replication: '1', count: '5' }), {
		collection: 'a.b-c_1', ttl: { text: '3m', seconds: 180 }, zone: 'dc1', replication: '001', count: 5,
	})
	for (const count of ['0', 'x', '-1', '']) assert.equal(placementOf({ count }).count, 1)
	const wrong = [
		{ collection: '..' }, { collection: '.hidden' }, { collection: 'a/b' }, { collection: 'a b' }, { collection: 'x'.repeat(65) }, { collection: '-rf' }, { collection: 'ä' },
		{ ttl: '3x' }, { replication: 'abc' }, { replication: '0000' }, { dataCenter: 'x'.repeat(256) }, { count: '1001' }, { count: '99999999999999999999' },
	]
	for (const parameters of wrong) assert.throws(() => placementOf(parameters), (error: HttpError) => error.status === 406, JSON.stringify(parameters))
})
