/**
 * A directory that is as the catalogue has it: most are, most of the time. Both sides come as a few flat arrays and are compared; where
 * anything differs, whatever it is, the directory is visited name by name.
 */
import type { ChangeRow } from '../../core/catalogue/changes.ts'
import { KIND } from '../../core/catalogue/files.ts'
import type { IntentRow } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import * as walks from '../../core/catalogue/walks.ts'
import { isDone } from '../../core/intents.ts'
import type { Survey } from '../../core/nodes/node.ts'
import { isPromise, run as drive } from '../../core/op.ts'
import { STANDING_ROWS_MAX } from './chunks.ts'
import type { Child } from './order.ts'
import type { Directory, Walking } from './walking.ts'

/** A larger directory is visited in parts. */
const NAMES_MAX = 10_000
const STATS_PER_NAME = 4
const OWN = '.cairn'

/** The directories in it, when all there is to say of its files is that they are known. */
export async function asKnown(walking: Walking, directory: Directory): Promise<Child[] | undefined> {
	const { fs, node, watchman, options } = walking
	if (!directory.onDisk || directory.isNew || options.rehash) return undefined
	const query = walks.factsQuery(node.id, directory.id, NAMES_MAX, fs.capabilities)
	const survey = query && surveyOf(walking, directory)
	if (!survey || survey.names.length === 0) return undefined
	const answers = fs.catalogue.read(watchman.query(), query, intents.standingQuery(node.id, STANDING_ROWS_MAX))
	const [changes, [{ facts }], standing] = (isPromise(answers) ? await answers : answers) as [ChangeRow[], [{ facts: Uint8Array | null }], IntentRow[]]
	const taken = drive(watchman.take(changes, fs.catalogue))
	if (isPromise(taken)) await taken
	if (facts === null || standing.some((row) => !isDone(fs, row)) || watchman.generation() !== directory.generation) return undefined
	const found = compare(survey, Buffer.from(facts.buffer, facts.byteOffset, facts.byteLength).toString('latin1').split('/'))
	if (!found) return undefined
	walking.tally.known += found.known
	for (let file = 0; file < found.known; file++) walking.run.done('known', 0)
	return found.children
}

function surveyOf({ node }: Walking, { path }: Directory): Survey | undefined {
	try {
		return node.operations.survey?.(path, NAMES_MAX)
	} catch {
		// The visit will meet it too, and say so.
		return undefined
	}
}

/** `facts` as `factsQuery` has them. */
function compare({ names, kinds, stats }: Survey, facts: readonly string[]): { known: number; children: Child[] } | undefined {
	const places = new Map<string, number>()
	for (let at = 0; at < names.length; at++) if (names[at] !== OWN) places.set(names[at], at)
	const children: Child[] = []
	let known = 0
	for (let index = 0; index < facts.length; index += 2) {
		const fact = facts[index + 1]
		const at = places.get(facts[index])
		if (fact.startsWith('d')) {
			if (at !== undefined && kinds[at] !== KIND.directory) return undefined
			children.push({ name: Buffer.from(facts[index], 'latin1'), id: Number(fact.slice(1)), onDisk: at !== undefined, isNew: false })
		} else if (fact === '-') {
			if (at !== undefined) return undefined
		} else {
			if (at === undefined || kinds[at] !== KIND.regular || !isSame(stats, at * STATS_PER_NAME, fact)) return undefined
			known++
		}
	}
	const met = known + children.filter(({ onDisk }) => onDisk).length
	return met === places.size ? { known, children } : undefined
}

/** One with several names is of interest though nothing has changed: see inodes.ts. */
function isSame(stats: readonly number[], from: number, fact: string): boolean {
	return stats[from + 3] === 1 && fact === `${stats[from]},${stats[from + 1]},${stats[from + 2]}`
}
