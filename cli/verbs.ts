/**
 * The verbs there are. A process runs one of them, and reading the code of all would take it longer than many a verb has to
 * do: only what was typed is loaded.
 */
import type { Verb } from './verb.ts'

// biome-ignore lint/suspicious/noExplicitAny: each verb declares its own options, and yargs is what gives them
type AnyVerb = Verb<any>
export type AnyCommand = ReturnType<AnyVerb>

/** By the word that is typed, in the order of `cairn --help`. */
const VERBS: Record<string, () => Promise<AnyVerb>> = {
	up: async () => (await import('./up.ts')).up,
	init: async () => (await import('./init.ts')).init,
	migrate: async () => (await import('./migrate.ts')).migrate,
	node: async () => (await import('./node.ts')).node,
	class: async () => (await import('./class.ts')).classVerb,
	walk: async () => (await import('./walk.ts')).walk,
	conflicts: async () => (await import('./conflicts.ts')).conflictsVerb,
	replicator: async () => (await import('./replicator.ts')).replicator,
	verify: async () => (await import('./verify.ts')).verify,
	trim: async () => (await import('./trim.ts')).trim,
	replicate: async () => (await import('./replicate.ts')).replicate,
	drain: async () => (await import('./drain.ts')).drain,
	rebalance: async () => (await import('./rebalance.ts')).rebalance,
	trash: async () => (await import('./trash.ts')).trash,
	api: async () => (await import('./api.ts')).api,
	put: async () => (await import('./put.ts')).put,
	get: async () => (await import('./get.ts')).get,
	bench: async () => (await import('./bench.ts')).bench,
	site: async () => (await import('./site.ts')).site,
	restore: async () => (await import('./restore.ts')).restore,
	drill: async () => (await import('./drill.ts')).drill,
	import: async () => (await import('./import.ts')).importVerb,
	token: async () => (await import('./token.ts')).token,
	status: async () => (await import('./status.ts')).status,
	why: async () => (await import('./why.ts')).why,
	stats: async () => (await import('./stats.ts')).stats,
	du: async () => (await import('./du.ts')).du,
	find: async () => (await import('./find.ts')).find,
	doctor: async () => (await import('./doctor.ts')).doctor,
	top: async () => (await import('./top.ts')).top,
	metrics: async () => (await import('./metrics.ts')).metrics,
	events: async () => (await import('./events.ts')).events,
	mount: async () => (await import('./mount.ts')).mount,
	umount: async () => (await import('./umount.ts')).umount,
	dump: async () => (await import('./dump.ts')).dump,
	load: async () => (await import('./load.ts')).load,
	manifest: async () => (await import('./manifest.ts')).manifest,
	reindex: async () => (await import('./reindex.ts')).reindex,
}

export const VERB_NAMES: readonly string[] = Object.keys(VERBS)

/** The verb that comes first in a command line. All of them where another word does: to show, and to search. */
export async function verbsFor(words: readonly string[]): Promise<AnyVerb[]> {
	const [first = ''] = words
	if (first === '--version') return []
	// It looks at the disk with threads, which start while the rest is read.
	if (first === 'walk') (await import('../replicator/hashing/early.ts')).startEarly()
	const loads = Object.hasOwn(VERBS, first) ? [VERBS[first]] : Object.values(VERBS)
	return await Promise.all(loads.map((load) => load()))
}
