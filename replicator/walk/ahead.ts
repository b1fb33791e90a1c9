/**
 * The next directories of a walk are looked at by the hashing threads while it is at others: what is in those the tree knows, and of new
 * ones the files too. Whatever of this cannot be used, or is not there, costs time only: the directory is then visited name by name.
 */
import type { ChangeRow } from '../../core/catalogue/changes.ts'
import type { Query } from '../../core/catalogue/driver.ts'
import type { IntentRow } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import * as walks from '../../core/catalogue/walks.ts'
import { isDone } from '../../core/filesystem/intents.ts'
import { isPromise, run as drive } from '../../core/op.ts'
import { SURVEYED_NAMES_MAX } from '../hashing/early.ts'
import type { Gathered, Survey } from '../hashing/packets.ts'
import { STANDING_ROWS_MAX } from './chunks.ts'
import type { Order } from './order.ts'
import type { Directory, Walking } from './walking.ts'

/** A larger directory is visited in parts. */
const KNOWN_NAMES_MAX = SURVEYED_NAMES_MAX
const NEW_NAMES_MAX = 1_000

export interface Seen {
	/** Of the watchman: where directories were when it was seen. */
	generation: number
	/** What is on the node, and after that what the catalogue has. */
	known?: { survey: Survey; facts: walks.FactsRow }
	/** What is in a directory that is new; the watchman attends to it since before it was read. */
	fresh?: Gathered
}

export function lookAhead(walking: Walking, order: Order): void {
	for (let directories = order.upcoming(); directories.length > 0; directories = order.upcoming()) look(walking, directories)
}

export function look(walking: Walking, directories: readonly Directory[]): void {
	const { node, options, hashing } = walking
	if (node.remote) return
	const onDisk = directories.filter((directory) => directory.onDisk)
	const known = options.rehash ? [] : onDisk.filter(({ isNew }) => !isNew)
	const isToCome = ({ path }: Directory) => hashing.isToCome(node, path)
	for (const some of [known.filter((directory) => !isToCome(directory)), ...known.filter(isToCome).map((directory) => [directory])]) {
		together(some, () => lookAtKnown(walking, some))
	}
	if (!options.dryRun) together(onDisk.filter(({ isNew }) => isNew), (some) => lookAtNew(walking, some))
}

function together(directories: readonly Directory[], lookAt: (directories: readonly Directory[]) => Promise<Array<Seen | undefined>>): void {
	if (directories.length === 0) return
	// Whatever fails, the visit will meet it too, and say so.
	const all = lookAt(directories).catch(() => [])
	for (const [index, directory] of directories.entries()) {
		directory.seen = all.then((seen) => {
			directory.found = seen[index]
			return seen[index]
		})
	}
}

/** The disk first: what changed since then is not what the catalogue has. */
async function lookAtKnown(walking: Walking, directories: readonly Directory[]): Promise<Array<Seen | undefined>> {
	const { node, hashing, fs } = walking
	const surveys = await hashing.survey(node, directories.map(({ path }) => path), KNOWN_NAMES_MAX)
	const queries = directories.map(({ id }) => walks.factsQuery(node.id, id, KNOWN_NAMES_MAX, fs.capabilities))
	const { isWaiting, generation, rows } = await ask(walking, queries)
	if (isWaiting) return []
	return surveys.map((survey, index) => survey && { generation, known: { survey, facts: rows[index][0] as walks.FactsRow } })
}

/** What was decided before the disk is looked at has been carried out there; of what comes after, the watchman knows. */
async function lookAtNew(walking: Walking, directories: readonly Directory[]): Promise<Array<Seen | undefined>> {
	const { node, hashing, watchman } = walking
	const { isWaiting, generation } = await ask(walking, [])
	if (isWaiting) return []
	for (const { id } of directories) watchman.attend(id)
	const all = await hashing.gather(node, directories.map(({ path }) => path), NEW_NAMES_MAX)
	return all.map((fresh) => fresh && { generation, fresh })
}

/** Whether the node has yet to carry anything out, and what else is asked. */
async function ask({ fs, node, watchman }: Walking, queries: readonly Query[]): Promise<{ isWaiting: boolean; generation: number; rows: unknown[][] }> {
	const answers = fs.catalogue.read(watchman.query(), intents.standingQuery(node.id, STANDING_ROWS_MAX), ...queries)
	const [changes, standing, ...rows] = (isPromise(answers) ? await answers : answers) as [ChangeRow[], IntentRow[], ...unknown[][]]
	const taken = drive(watchman.take(changes, fs.catalogue))
	if (isPromise(taken)) await taken
	return { isWaiting: standing.some((row) => !isDone(fs, row)), generation: watchman.generation(), rows }
}
