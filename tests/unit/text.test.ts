/** Names as they are shown: one line, one direction, nothing a terminal acts upon. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guarded, jsonBytes, showBytes } from '../../core/text.ts'

const NAMES: Array<[Buffer, string]> = [
	[Buffer.from('plain näme 猫.jpg'), 'plain näme 猫.jpg'],
	[Buffer.from('two\nlines\tand\rmore'), 'two\\nlines\\tand\\rmore'],
	[Buffer.from('\x1b]0;title\x07'), '\\x1b]0;title\\x07'],
	[Buffer.from('photo\u202egpj.exe'), 'photo\\u202egpj.exe'],
	[Buffer.from('zero\u200bwidth\u2028'), 'zero\\u200bwidth\\u2028'],
	[Buffer.from('\u{e0041}'), '\\udb40\\udc41'],
	[Buffer.from('back\\slash'), 'back\\\\slash'],
	[Buffer.concat([Buffer.from('a'), Buffer.from([0xff, 0xc3]), Buffer.from('é')]), 'a\\xff\\xc3é'],
	[Buffer.from([0xed, 0xa0, 0x80]), '\\xed\\xa0\\x80'],
	[Buffer.alloc(0), ''],
]

test('names are shown safely and tell what they are', () => {
	for (const [name, shown] of NAMES) assert.equal(showBytes(name), shown)
})

test('JSON has the text, and the bytes where that is not all', () => {
	assert.deepEqual(jsonBytes('path', Buffer.from('a\nb')), { path: 'a\nb' })
	assert.deepEqual(jsonBytes('path', Buffer.from([0x61, 0xff])), { path: 'a\ufffd', pathBase64: 'Yf8=' })
})

test('the guard of a terminal leaves JSON what it says', () => {
	const value = { path: 'a\u202eb\x1b\n' }
	const text = guarded(JSON.stringify(value, null, 2))
	assert.equal(['\u202e', '\x1b'].some((unsafe) => text.includes(unsafe)), false)
	assert.deepEqual(JSON.parse(text), value)
})
