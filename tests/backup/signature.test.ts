/** The vectors of docs/BACKUP-PROTOCOL.md. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorizationOf, hashOf, NO_BODY, signatureOf } from '../../core/off-site/signature.ts'

const KEY = 'cairn-key-example'
const WHO = { site: 'attic', agent: '0123456789abcdef' }

test('signature: a request with a body', () => {
	const body = hashOf('{"mode":"fill-gaps"}')
	assert.equal(body, '88e9ee3a0af94d6b545b45843cc4e0e8de776ed12e3218f2682a31e53b1ebd59')
	const signed = { method: 'POST', target: '/backup/v1/lease', ...WHO, time: '1795780000', nonce: 'Zm9vYmFyYmF6cXV4', body }
	const signature = '32ca20106ea6f2e48bd627b4bb5ffc9e893234e46b10fe592e4ada3db40fdb6e'
	assert.equal(signatureOf(KEY, signed).toString('hex'), signature)
	assert.equal(authorizationOf(KEY, signed), `Cairn attic 0123456789abcdef 1795780000 Zm9vYmFyYmF6cXV4 ${body} ${signature}`)
})

test('signature: a request with a query and no body', () => {
	const target = '/backup/v1/notices?after=7&limit=100'
	const signed = { method: 'GET', target, ...WHO, time: '1795780001', nonce: 'q3J5nQ0aTq2pX_8-', body: NO_BODY }
	assert.equal(signatureOf(KEY, signed).toString('hex'), '1b2c86b8a3f88575db65e16054fb01f8b4ea1acb01cc2bfa57ccb4c564859efb')
	assert.notEqual(signatureOf(KEY, { ...signed, target: target.replace('100', '101') }).toString('hex'), signatureOf(KEY, signed).toString('hex'))
})
