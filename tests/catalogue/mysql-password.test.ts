/** A password that is changed while a process runs: at the server first, then in the file it is read from. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { startMariadb } from '../support/mariadb.ts'
import { until } from '../support/until.ts'
import { config, open } from './engines.ts'

test('a password is changed: whoever asks meanwhile waits for the file to say it too', async (t) => {
	const server = await startMariadb()
	await server.freshDatabase('rotated')
	await server.query("CREATE USER keyed@'127.0.0.1' IDENTIFIED BY 'first'; GRANT ALL ON rotated.* TO keyed@'127.0.0.1'")
	const folder = mkdtempSync(join(tmpdir(), 'cairn-password-'))
	t.after(() => rmSync(folder, { recursive: true }))
	const cataloguePasswordFile = join(folder, 'password')
	const address = server.tcpUrl('rotated').replace('root@', 'keyed@')
	writeFileSync(cataloguePasswordFile, 'first\n')
	const driver = await open(t, address, { cataloguePasswordFile, catalogueConnections: 1 })
	assert.equal((await driver.get<{ one: number }>('SELECT 1 AS one'))?.one, 1)

	await server.query("SET PASSWORD FOR keyed@'127.0.0.1' = PASSWORD('second')")
	await assert.rejects(openCatalogue(config(address, { cataloguePasswordFile })), { exitCode: 5, message: /Access denied/ })
	const [{ id }] = (await server.query("SELECT id FROM information_schema.processlist WHERE user = 'keyed'")) as [{ id: number }]
	const before = await refused()
	await server.query(`KILL ${id}`)
	const asked = driver.get<{ one: number }>('SELECT 1 AS one')
	await until('it was refused', async () => (await refused()) > before || undefined)
	writeFileSync(cataloguePasswordFile, 'second\n')
	assert.equal((await asked)?.one, 1)

	async function refused(): Promise<number> {
		const [{ Value }] = (await server.query("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")) as [{ Value: string }]
		return Number(Value)
	}
})
