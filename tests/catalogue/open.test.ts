import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type CatalogueConfig, openCatalogue } from '../../core/catalogue/open.ts'
import { UserError } from '../../core/errors.ts'
import { startMariadb } from '../support/mariadb.ts'
import { config, open } from './engines.ts'

async function refusal(settings: CatalogueConfig, { create = false, exitCode = 5 } = {}): Promise<string> {
	const error = await openCatalogue(settings, { create }).then(
		() => assert.fail('it was opened'),
		(reason: unknown) => reason,
	)
	assert.ok(error instanceof UserError, String(error))
	assert.equal(error.exitCode, exitCode)
	assert.doesNotMatch(error.message, /\n|s3cret/)
	return error.message
}

describe('opening a catalogue', () => {
	let folder: string
	before(() => {
		folder = mkdtempSync(join(tmpdir(), 'cairn-open-'))
	})
	after(() => rmSync(folder, { recursive: true }))

	test('an SQLite file that is missing is refused and not made, unless asked to', async (t) => {
		const path = join(folder, 'new.db')
		assert.match(await refusal(config(path)), /new\.db: no such file/)
		assert.equal(existsSync(path), false)
		await open(t, path)
		assert.equal(statSync(path).mode & 0o777, 0o600)
		assert.equal(statSync(`${path}-wal`).mode & 0o777, 0o600)
		const again = await openCatalogue(config(`sqlite:${path}`))
		await again.close()
	})

	test('one line for a folder that is missing, a file that is no database, an unknown scheme', async () => {
		assert.match(await refusal(config(join(folder, 'no/such/place.db')), { create: true }), /ENOENT/)
		const text = join(folder, 'text')
		writeFileSync(text, 'not a database, but long enough to look at'.repeat(100))
		assert.match(await refusal(config(text)), /not a database \(what to do: .*'Losing the catalogue'\)/)
		assert.match(await refusal(config('postgres://u:s3cret@h/d'), { exitCode: 3 }), /postgres:\/\/u@h\/d/)
		await refusal(config('sqlite:'), { exitCode: 3 })
	})

	test('one line without the password for a server that is away, refuses, or lacks the database', async () => {
		const server = await startMariadb()
		const address = (user: string, port = server.port) => `mysql://${user}@127.0.0.1:${port}/nothing`
		assert.match(await refusal(config(address('u:s3cret', 1))), /ECONNREFUSED/)
		assert.match(await refusal(config('mysql://u:s3cret@[::1]:1/d')), /mysql:\/\/u@\[::1\]:1\/d: .*(ECONNREFUSED|EADDRNOTAVAIL|EAFNOSUPPORT)/)
		assert.match(await refusal(config(address('root:s3cret'))), /Access denied/)
		assert.match(await refusal(config(address('root'))), /Unknown database/)
		assert.match(await refusal(config('mysql://u:s3cret@h:port/d'), { exitCode: 3 }), /not a URL/)
		await refusal(config('mysql://u:s3cret@localhost'), { exitCode: 3 })
		assert.match(await refusal(config('mysql://u:50%s3cret@localhost/d'), { exitCode: 3 }), /'%' is written %25/)
		// Who asks for TLS must not believe that he has it.
		assert.match(await refusal(config('mysql://u:s3cret@localhost/d?ssl-mode=REQUIRED'), { exitCode: 3 }), /\?ssl-mode=: no such option/)
	})

	test('the password comes from the URL, the configuration, a file or the environment', async (t) => {
		const server = await startMariadb()
		await server.freshDatabase('secrets')
		await server.query("CREATE OR REPLACE USER someone@'127.0.0.1' IDENTIFIED BY 's3cret @:/'; GRANT ALL ON secrets.* TO someone@'127.0.0.1'")
		const address = `mysql://someone@127.0.0.1:${server.port}/secrets`
		const file = join(folder, 'password')
		writeFileSync(file, 's3cret @:/\n', { mode: 0o600 })
		await open(t, address.replace('@', `:${encodeURIComponent('s3cret @:/')}@`))
		await open(t, address, { cataloguePassword: 's3cret @:/' })
		await open(t, address, { cataloguePasswordFile: file })
		process.env.CAIRN_CATALOGUE_PASSWORD = 's3cret @:/'
		t.after(() => delete process.env.CAIRN_CATALOGUE_PASSWORD)
		await open(t, address)
		assert.match(await refusal(config(address, { cataloguePasswordFile: join(folder, 'none') })), /password file/)
	})
})
