/** Names that are no UTF-8, as a shell hands them over. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeWorkplace } from './workplace.ts'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const bytes = (path: string, last: number) => Buffer.concat([Buffer.from(path), Buffer.from([last])])

test('a path that is no UTF-8 is that path', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	const node = place.makeDirectory('n1')
	await place.cairn('node', 'add', 'n1', node)
	mkdirSync(join(node, 'd'))
	for (const last of [0xfe, 0xff]) writeFileSync(bytes(join(node, 'd/name'), last), String(last))
	writeFileSync(join(node, 'd/name\ufffd'), 'valid')
	const typed = async (line: string) => (await promisify(execFile)('sh', ['-c', `${CAIRN} ${line} --config ${place.config}`])).stdout
	assert.match(await typed(`walk -p "d/$(printf 'name\\377')"`), /1 adopted/)
	assert.match(await typed('walk'), /2 adopted/)
	const asked = async (word: string) => JSON.parse(await typed(`why ${word} --json`)).paths[0]
	assert.equal((await asked(`"d/$(printf 'name\\376')"`)).pathBase64, bytes('d/name', 0xfe).toString('base64'))
	assert.equal((await asked(`"/d/$(printf 'name\\377')"`)).pathBase64, bytes('d/name', 0xff).toString('base64'))
	assert.equal((await asked("'d/name\ufffd'")).path, 'd/name\ufffd')
	assert.match(await typed(`verify "--path=d/$(printf 'name\\377')"`), /1 (good|fresh|hashed)/)
})
