/** A catalogue and the nodes a and b, where a has files and b is to get them. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { run } from '../processes.ts'

const CAIRN = join(import.meta.dirname, '../../cairn')
const DEADLINE_MS = 600_000

export interface Installation {
	a: string
	b: string
	cairn(...words: string[]): Promise<string>
	/**
	 * b has nothing, and everything is wanted there. What it had goes to `past`, if that is given, and is not deleted: ext4 looks at every inode
	 * that was freed in the last minutes for each file that is made near it.
	 */
	reset(past?: string): Promise<void>
}

/** `fill` makes the files of node a. */
export async function install(directory: string, fill: (a: string) => Promise<void>): Promise<Installation> {
	const [a, b] = ['a', 'b'].map((name) => join(directory, name))
	const config = join(directory, 'config.ts')
	writeFileSync(config, `export default { catalogue: 'catalogue.db' }\n`)
	const cairn = (...words: string[]) => run([CAIRN, ...words, '--config', config], { deadlineMs: DEADLINE_MS })
	await cairn('init')
	for (const path of [a, b]) {
		mkdirSync(path)
		await cairn('node', 'add', path.slice(-1), path)
	}
	await fill(a)
	await cairn('walk', '--node', 'a')
	return {
		a,
		b,
		cairn,
		async reset(past) {
			for (const name of readdirSync(b)) {
				if (name === '.cairn') continue
				if (past) renameSync(join(b, name), join(past, name))
				else rmSync(join(b, name), { recursive: true })
			}
			const database = new DatabaseSync(join(directory, 'catalogue.db'), { timeout: 10_000 })
			database.exec('UPDATE replica SET state = 2, version = 0, verified_at = NULL WHERE node_id = 2')
			database.close()
			await settleDisk(directory)
		},
	}
}

/** What was written before is none of the next program's business. */
export async function settleDisk(directory: string): Promise<void> {
	await run(['sync', '-f', directory], { deadlineMs: DEADLINE_MS })
}
