/** What killed verbs leave behind, and who takes it away. */
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dumpInto } from '../../cli/dump.ts'
import { openPart } from '../../cli/part.ts'
import { prepareDirectory } from '../../cli/up-directory.ts'
import { hashOf } from '../../core/access/token.ts'
import { openSqlite } from '../../core/catalogue/sqlite.ts'
import { installation } from '../unit/installation.ts'

function directoryFor(t: { after(end: () => void): void }): string {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-part-'))
	t.after(() => rmSync(directory, { recursive: true, force: true }))
	return directory
}

test('a part goes when its writer was killed, and stays while he is at it', (t) => {
	const directory = Buffer.from(directoryFor(t))
	const name = { before: Buffer.from('.cairn-7-'), after: '' }
	const mine = openPart(directory, name)
	for (const left of ['.cairn-7-0123abcd', '.cairn-77-0123abcd', '.cairn-7-notes', '.cairn-7-']) writeFileSync(join(`${directory}`, left), 'x')
	const other = openPart(directory, name)
	const names = readdirSync(directory, 'utf8')
	assert.deepEqual([names.includes('.cairn-7-0123abcd'), names.length], [false, 5])
	closeSync(mine.fd)
	closeSync(openPart(directory, name).fd)
	assert.equal(readdirSync(directory).length, 5, 'that of the one who has ended, and the new one in its place')
	closeSync(other.fd)
})

test('the next dump takes away what is left of one that was killed', async (t) => {
	const { fs } = await (await installation(t)).start()
	const directory = directoryFor(t)
	writeFileSync(join(directory, 'dump.gz.0123abcd.part'), 'half')
	writeFileSync(join(directory, 'other.gz.0123abcd.part'), 'of another')
	await dumpInto(fs.catalogue, join(directory, 'dump.gz'))
	assert.deepEqual(readdirSync(directory).sort(), ['dump.gz', 'other.gz.0123abcd.part'])
})

test('the first token of a directory is shown, whenever up was killed before', async (t) => {
	const directory = directoryFor(t)
	const deps = { directory, environment: process.env, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, print: () => undefined, warn: () => undefined }
	const prepare = () => prepareDirectory(directory, { catalogue: '', nodes: 1, nodesAsked: 1, copies: 1, allowOther: false }, deps)
	const { token } = await prepare()
	assert.match(token ?? '', /^cairn_/)
	const driver = openSqlite(join(directory, 'catalogue.db'), { timeoutMs: 5_000 })
	try {
		// Killed after it was written down here, and before the catalogue had it.
		await driver.change('DELETE FROM token')
		assert.equal((await prepare()).token, token)
		assert.deepEqual((await driver.all<{ hash: Uint8Array }>('SELECT hash FROM token')).map(({ hash }) => Buffer.from(hash)), [hashOf(token ?? '')])
		assert.equal((await prepare()).token, token, 'killed before it was shown')
		assert.equal(readFileSync(join(directory, '.up.token'), 'utf8'), token)
	} finally {
		await driver.close()
	}
})
