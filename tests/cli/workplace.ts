/** A directory with a configuration, for verbs to run against; removed when the test ends. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { cairn, type Said } from '../support/mount.ts'

export interface Workplace {
	directory: string
	config: string
	catalogue: string
	/** One command of the command line with this configuration. */
	cairn(...words: string[]): Promise<Said>
	makeDirectory(name: string): string
}

export function makeWorkplace(t: TestContext, configuration = '{}'): Workplace {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-cli-'))
	t.after(() => rmSync(directory, { recursive: true, force: true }))
	const config = join(directory, 'config.ts')
	writeFileSync(config, `export default ${configuration}\n`, { mode: 0o600 })
	return {
		directory,
		config,
		catalogue: join(directory, 'catalogue.db'),
		cairn: (...words) => cairn([...words, '--config', config]),
		makeDirectory(name) {
			const path = join(directory, name)
			mkdirSync(path)
			return path
		},
	}
}

/** A tree of one node; returns where it may be mounted. */
export async function makeTree(place: Workplace): Promise<string> {
	await place.cairn('init')
	await place.cairn('node', 'add', 'n1', place.makeDirectory('n1'))
	return place.makeDirectory('mp')
}
