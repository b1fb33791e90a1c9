/** The two engines, each ready for one test: an empty, migrated catalogue and as many drivers on it as the test wants. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { migrate } from '../../core/catalogue/migrate.ts'
import { type CatalogueConfig, openCatalogue } from '../../core/catalogue/open.ts'
import { startMariadb } from '../support/mariadb.ts'

export interface Engine {
	name: string
	/** Changes are answered before they are committed. */
	holds?: boolean
	/** The address of a new, empty catalogue; it is removed with the test. */
	address(test: TestContext): Promise<string>
}

let databases = 0

export const sqlite: Engine = {
	name: 'SQLite',
	async address(test) {
		const folder = mkdtempSync(join(tmpdir(), 'cairn-catalogue-'))
		test.after(() => rmSync(folder, { recursive: true, force: true }))
		return `sqlite:${join(folder, 'catalogue.db')}`
	},
}

export const mariadb: Engine = {
	name: 'MariaDB',
	async address() {
		const server = await startMariadb()
		return server.freshDatabase(`catalogue_${++databases}`)
	},
}

export const holding: Engine = { ...sqlite, name: 'SQLite, held', holds: true }

export const engines: readonly Engine[] = [sqlite, mariadb]

export function config(catalogue: string, settings: Partial<CatalogueConfig> = {}): CatalogueConfig {
	return {
		catalogue,
		cataloguePassword: '',
		cataloguePasswordFile: '',
		catalogueTimeoutMs: 20_000,
		catalogueConnections: 8,
		...settings,
	}
}

/** Closed with the test. */
export async function open(test: TestContext, address: string, settings?: Partial<CatalogueConfig>, holds = false): Promise<Driver> {
	const driver = await openCatalogue(config(address, settings), { create: true, holds })
	test.after(() => driver.close())
	return driver
}

export async function ready(test: TestContext, engine: Engine): Promise<{ driver: Driver; address: string }> {
	const address = await engine.address(test)
	const driver = await open(test, address, undefined, engine.holds)
	await migrate(driver)
	return { driver, address }
}
