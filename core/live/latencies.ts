/** How long a node takes to answer, by who uses it: the door over HTTP may have little to do with one that a mount writes to all day. */
import { type Answer, askAll } from './ask.ts'

export interface Latencies {
	readMs?: number
	writeMs?: number
}

/** By name of the node: the slowest that any process of this machine sees. */
export function latenciesOf(answers: readonly Pick<Answer, 'families'>[]): Map<string, Latencies> {
	const nodes = new Map<string, Latencies>()
	for (const { families = [] } of answers) {
		const family = families.find(({ name }) => name === 'cairn_node_latency_seconds')
		for (const { labels, value } of family?.samples ?? []) {
			const key = labels.op === 'write' ? 'writeMs' : 'readMs'
			const known = nodes.get(labels.node) ?? {}
			nodes.set(labels.node, { ...known, [key]: Math.max(value * 1000, known[key] ?? 0) })
		}
	}
	return nodes
}

const ASK_AGAIN_MS = 5_000

/** What the others said last. They are asked now and then, and nobody waits for one that is busy. */
export function createListener(catalogue: string): () => readonly Answer[] {
	let last: readonly Answer[] = []
	let askedMs = Number.NEGATIVE_INFINITY
	return () => {
		if (performance.now() - askedMs > ASK_AGAIN_MS) {
			askedMs = performance.now()
			askAll(catalogue, 'metrics').then(
				(answers) => {
					last = answers
				},
				() => undefined,
			)
		}
		return last
	}
}
