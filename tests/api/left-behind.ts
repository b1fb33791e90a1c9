/** All that a request could have left behind: rows of the catalogue, and files on nodes with their sizes. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../support/until.ts'
import type { TestDoor } from './door.ts'

const TABLES = ['file', 'entry', 'replica', 'upload', 'object', 'xattr', 'dav_lock']
/** What is done goes from these a moment later. */
const PASSING = ['intent', 'writer']

export async function standing(door: TestDoor, nodes = 1): Promise<unknown> {
	const count = async (table: string) => Number((await door.driver.get<{ count: number }>(`SELECT COUNT(*) AS count FROM ${table}`))?.count)
	for (const table of PASSING) await until(`nothing is owed: ${table}`, async () => (await count(table)) === 0 || undefined)
	const counts = await Promise.all(TABLES.map(async (table) => [table, await count(table)]))
	return { rows: Object.fromEntries(counts), nodes: Array.from({ length: nodes }, (_, index) => filesBelow(door.node(index + 1))) }
}

export function filesBelow(folder: string): string[] {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name))
		.map((path) => `${path.slice(folder.length)} ${statSync(path, { throwIfNoEntry: false })?.size}`)
		.sort()
}
