/** Brings a catalogue to the schema this program knows: the numbered files of sql/, each once. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { Driver } from './driver.ts'

const FOLDERS = fileURLToPath(new URL('../../sql/', import.meta.url))
const FILE = /^(\d{4})-[a-z0-9-]+\.sql$/
const MIGRATION_TABLE = `CREATE TABLE IF NOT EXISTS migration (
	version BIGINT NOT NULL PRIMARY KEY,
	name    VARCHAR(255) NOT NULL,
	at      BIGINT NOT NULL
)`

/** Stands among the migrations while a catalogue is filled from a dump or from its nodes: see dump/fill.ts. */
export const FILLING = 999_999

interface Migration {
	version: number
	name: string
	path: string
}

/** `folders` holds a folder per database, as sql/ does. */
export async function migrate(driver: Driver, folders: string = FOLDERS): Promise<{ from: number; to: number }> {
	const known = migrationsOf(driver, folders)
	const to = latest(known)
	const before = await version(driver)
	refuseNewer(before, to)
	if (before === to) return { from: to, to }
	return driver.exclusively(async () => {
		// Another process may have been first while this one waited.
		const from = await version(driver)
		refuseNewer(from, to)
		await driver.script(MIGRATION_TABLE)
		await applyAll(driver, known, from)
		return { from, to }
	})
}

/** The same of one that is to be filled: before it has its first table, and whatever it had, no program accepts it, until that mark goes. */
export async function migrateToFill(driver: Driver): Promise<void> {
	const known = migrationsOf(driver)
	await driver.exclusively(async () => {
		await driver.script(MIGRATION_TABLE)
		const [{ from }] = await driver.all<{ from: number | null }>(`SELECT MAX(version) AS \`from\` FROM migration WHERE version <> ${FILLING}`)
		refuseNewer(from ?? 0, latest(known))
		await driver.script(`${driver.capabilities.insertIgnore} INTO migration (version, name, at) VALUES (${FILLING}, 'filling', 0)`)
		await applyAll(driver, known, from ?? 0)
	})
}

/** There is a catalogue, and it is older than this program. */
export async function isBehind(driver: Driver): Promise<boolean> {
	const found = await version(driver)
	return found > 0 && found < latest(migrationsOf(driver))
}

/** For whoever must not migrate: refuses a schema that is not the one this program knows. */
export async function checkSchema(driver: Driver, folders: string = FOLDERS): Promise<void> {
	const to = latest(migrationsOf(driver, folders))
	const found = await version(driver)
	refuseNewer(found, to)
	if (found === 0) throw new UserError('the catalogue is empty: run `cairn init`, or, where it was lost, `cairn reindex`', EXIT.schema)
	if (found < to) throw new UserError(`the catalogue has schema ${found}, this program needs ${to}: run \`cairn migrate\``, EXIT.schema)
}

/** For what was written by another program: refuses it where that one knew more. */
export function checkSchemaOf(driver: Driver, found: number, what: string): void {
	const to = latest(migrationsOf(driver))
	if (found > to) throw new UserError(`${what} is of schema ${found}, newer than this program's ${to}: update the program`, EXIT.schema)
}

async function applyAll(driver: Driver, known: readonly Migration[], from: number): Promise<void> {
	for (const migration of known) if (migration.version > from) await apply(driver, migration)
}

/** MySQL commits each statement of DDL, so a file may be carried out again after it died half-way: its statements allow that. */
async function apply(driver: Driver, { version, name, path }: Migration): Promise<void> {
	const { insertIgnore, now } = driver.capabilities
	await driver.script(readFileSync(path, 'utf8'))
	await driver.script(`${insertIgnore} INTO migration (version, name, at) VALUES (${version}, '${name}', ${now})`)
}

/** Which tables there are takes a server longer to say than what is in one: asked only where that one may be missing. */
async function version(driver: Driver): Promise<number> {
	try {
		const row = await driver.get<{ version: number | null }>('SELECT MAX(version) AS version FROM migration')
		return row?.version ?? 0
	} catch (error) {
		const tables = await driver.all<{ name: string }>(driver.capabilities.tables)
		if (tables.some(({ name }) => name === 'migration')) throw error
		return 0
	}
}

function migrationsOf(driver: Driver, folders: string = FOLDERS): Migration[] {
	const folder = join(folders, driver.capabilities.dialect)
	return readdirSync(folder)
		.filter((name) => FILE.test(name))
		.sort()
		.map((name) => ({ version: Number(name.slice(0, 4)), name, path: join(folder, name) }))
}

function latest(known: readonly Migration[]): number {
	return known.at(-1)?.version ?? 0
}

/** A catalogue is there that somebody may work with, or could: none is, and none that a load or a reindex left half filled. */
export async function isMade(driver: Driver): Promise<boolean> {
	const found = await version(driver)
	return found > 0 && found !== FILLING
}

function refuseNewer(found: number, known: number): void {
	if (found === FILLING) throw new UserError('the catalogue is being filled by `cairn load` or `cairn reindex`, or that ended half-way: run it again', EXIT.schema)
	if (found > known) throw new UserError(`the catalogue has schema ${found}, newer than this program's ${known}: update the program`, EXIT.schema)
}
