/** A directory that takes names for one that differ in case or normalisation only, as Windows and macOS do; the lookup stands in for them. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Directory, openDirectory } from '../../backup/folder/directory.ts'
import { findSpot, type Ground, type Spot } from '../../backup/folder/spot.ts'
import { namesOf } from '../../backup/names/archive-path.ts'
import { archiveName } from '../../backup/names/local-names.ts'

const merged = (name: Buffer | string) => name.toString().normalize('NFC').toUpperCase().toLowerCase()

function stored(directory: Directory, name: Buffer): Buffer | undefined {
	return (readdirSync(directory.path, { encoding: 'buffer' }) as Buffer[]).find((there) => merged(there) === merged(name))
}

for (const platform of ['win32', 'darwin'] as const) {
	test(`${platform}: every file has a place of its own, the same each time, and its name comes back`, () => {
		const folder = mkdtempSync(join(tmpdir(), 'cairn-merging-'))
		const ground: Ground = { root: openDirectory(folder), platform, stored }
		const paths = ['a', 'A', '\u00e9', 'e\u0301', 'E\u0301', 'D/x', 'd/x', 'd/X', 'd/con', 'd/CON', 'd/%41', 'con/x', 'Con/x', '%43on/x']
		const at = (path: string, make: boolean) => findSpot(ground, namesOf(Buffer.from(path), platform), make) as Spot
		try {
			for (const path of paths) {
				const spot = at(path, true)
				assert.equal(stored(spot.directory, spot.name), undefined, `${path} has the place of another`)
				writeFileSync(spot.directory.at(spot.name), path)
				spot.close()
			}
			for (const path of paths) {
				const spot = at(path, false)
				assert.equal(readFileSync(spot.directory.at(spot.name), 'utf8'), path)
				spot.close()
			}
			for (const local of readdirSync(folder, { recursive: true, withFileTypes: true })) {
				if (!local.isFile()) continue
				const here = join(local.parentPath, local.name)
				const back = here.slice(folder.length + 1).split('/').map((name) => archiveName(Buffer.from(name), platform).toString())
				assert.equal(back.join('/'), readFileSync(here, 'utf8'))
			}
		} finally {
			rmSync(folder, { recursive: true })
		}
	})
}
