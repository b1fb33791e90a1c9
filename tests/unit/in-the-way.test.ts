/** Which paths an intent makes uncertain. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { standsInTheWay } from '../../core/in-the-way.ts'

const CASES: Array<[op: string, path: string, to: string | null, asked: string, stands: boolean]> = [
	['unlink', 'a', null, 'a', true],
	['unlink', 'a', null, 'b', false],
	['unlink', 'a', null, 'ab', false],
	['unlink', 'ab', null, 'a', false],
	['unlink', 'a', null, 'a/b', true],
	['unlink', 'a/b', null, 'a', false],
	['unlink', 'a/b', null, 'a/b/c/d', true],
	['unlink', 'a/b', null, 'a/bc', false],
	['unlink', 'a/b', null, 'a.b', false],
	['rmdir', 'd', null, 'd/f', true],
	['rmdir', 'd/e', null, 'd/f', false],
	['attributes', '', null, 'anything/below', true],
	['attributes', '', null, 'x', true],
	['rename', 'a', 'b', 'a', true],
	['rename', 'a', 'b', 'b', true],
	['rename', 'a', 'b', 'b/below', true],
	['rename', 'a', 'b', 'a/below', true],
	['rename', 'a', 'b', 'c', false],
	['rename', 'a', 'b/c', 'b', false],
	['link', 'a', 'b', 'b', true],
	['exchange', 'a', 'd/b', 'd/b/x', true],
	['exchange', 'a', 'd/b', 'd', false],
	['symlink', 'l', 'target', 'l', true],
	// The other path of a symlink is only its text.
	['symlink', 'l', 'target', 'target', false],
]

for (const [op, path, to, asked, stands] of CASES) {
	test(`${op} ${path || '(root)'}${to === null ? '' : ` -> ${to}`}: ${asked} ${stands ? 'has to wait' : 'is free'}`, () => {
		const row = { op, path: new Uint8Array(Buffer.from(path)), to_path: to === null ? null : new Uint8Array(Buffer.from(to)) }
		assert.equal(standsInTheWay(row, Buffer.from(asked)), stands)
	})
}

test('paths are bytes: what only looks like the same is another', () => {
	const row = { op: 'unlink', path: Buffer.from([0xc3, 0xa9]), to_path: null }
	assert.equal(standsInTheWay(row, Buffer.from([0xc3, 0xa9])), true)
	assert.equal(standsInTheWay(row, Buffer.from([0x65, 0xcc, 0x81])), false)
	assert.equal(standsInTheWay(row, Buffer.from([0xc3])), false)
	assert.equal(standsInTheWay(row, Buffer.from([0xc3, 0xa9, 0x2f, 0xff])), true)
})
