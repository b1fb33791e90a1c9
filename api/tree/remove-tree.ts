/** Removing a name with everything below it. */
import { setImmediate as othersFirst } from 'node:timers/promises'
import type { Transaction } from '../../core/catalogue/driver.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { descend, NAMES_MAX } from '../../core/catalogue/paths.ts'
import { codeOf, fail } from '../../core/errors.ts'
import type { Check, Expected } from '../../core/filesystem/expected.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { listNames } from '../../core/filesystem/list.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import type { FileId } from '../../core/ids.ts'
import { type Op, run } from '../../core/op.ts'

const PAGE_ROWS = 500
/** Then others have their turn: with SQLite a directory of any size would go in one. */
const NAMES_AT_ONCE = 16
/** What others put into a directory while it is being emptied is removed too, this often. */
const ATTEMPTS_MAX = 5
const BEGINNING = Buffer.alloc(0)

export interface Removal extends Expected {
	/** Of every name below it. */
	below?: Check
}

interface Named {
	place: Place
	id: FileId
	kind: number
}

/** What somebody moves out of the way meanwhile is not removed: ESTALE. */
export async function removeTree(fs: Filesystem, place: Place, { id, kind }: Pick<Named, 'id' | 'kind'>, { below, ...expected }: Removal = {}): Promise<void> {
	await remove(fs, { place, id, kind }, expected, { way: [], below, forGood: expected.forGood, formerly: expected.formerly })
}

interface Whole extends Pick<Expected, 'forGood' | 'formerly'> {
	/** The directories that are being emptied, the top first. */
	way: readonly Named[]
	below: Check | undefined
}

async function remove(fs: Filesystem, named: Named, expected: Expected, whole: Whole): Promise<void> {
	const { place, kind } = named
	if (kind !== KIND.directory) return await run(unlink(fs, place, expected))
	for (let attempt = 1; ; attempt++) {
		await empty(fs, named, whole)
		// Each directory looks at all that are above it.
		await othersFirst()
		try {
			return await run(removeDirectory(fs, place, expected))
		} catch (error) {
			if (codeOf(error) !== 'ENOTEMPTY' || attempt === ATTEMPTS_MAX) throw error
		}
	}
}

async function empty(fs: Filesystem, directory: Named, whole: Whole): Promise<void> {
	const { forGood, formerly } = whole
	const way = [...whole.way, directory]
	const check: Check = function* (tx, current) {
		yield* checkStillThere(tx, way)
		if (whole.below) yield* whole.below(tx, current)
	}
	for (;;) {
		const rows = await run(listNames(fs, directory.id, BEGINNING, PAGE_ROWS))
		if (rows.length === 0) return
		for (const [index, { id, kind, name }] of rows.entries()) {
			if (index % NAMES_AT_ONCE === 0) await othersFirst()
			await gone(() => remove(fs, { place: { parent: directory.id, name: Buffer.from(name) }, id, kind }, { check, forGood, formerly }, { ...whole, way }))
		}
	}
}

function* checkStillThere(tx: Transaction, way: readonly Named[]): Op<void> {
	for (let from = 0; from < way.length; from += NAMES_MAX) {
		const part = way.slice(from, from + NAMES_MAX)
		const { ids } = yield* descend(tx, part[0].place.parent, part.map(({ place }) => place.name))
		if (part.some(({ id }, index) => ids[index] !== id)) fail('ESTALE', 'somebody moved it meanwhile')
	}
}

/** Not there any more, or something of another kind has the name. */
const OTHERWISE = new Set(['ENOENT', 'EISDIR', 'ENOTDIR'])

/** Gone already is as well. What has come instead is found with the next names. */
async function gone(remove: () => Promise<void>): Promise<void> {
	try {
		await remove()
	} catch (error) {
		if (!OTHERWISE.has(codeOf(error))) throw error
	}
}
