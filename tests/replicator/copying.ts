/** Runs of replicate, and what was said of them. */
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Node } from '../../core/nodes/node.ts'
import { type ReplicateOptions, replicate } from '../../replicator/replicate/replicate.ts'
import { runJob } from '../../replicator/replicator.ts'
import type { Summary } from '../../replicator/run.ts'

export interface Made {
	summary: Summary
	/** `path: why`. */
	troubles: string[]
	notes: string[]
	/** What the run said there was to do. */
	expected: { files: number; bytes: number }
}

/** One run for a node. Every file that was expected has to be counted once. */
export async function makeCopies(
	fs: Filesystem,
	node: number,
	options: ReplicateOptions = {},
	signal = new AbortController().signal,
): Promise<Made> {
	const troubles: string[] = []
	const notes: string[] = []
	const expected = { files: 0, bytes: 0 }
	const watcher = {
		expected(files: number, bytes: number) {
			expected.files += files
			expected.bytes += bytes
		},
		trouble: (path: string, why: string) => void troubles.push(`${path}: ${why}`),
		note: (line: string) => void notes.push(line),
	}
	const { summary } = await runJob(fs, fs.nodes.get(node) as Node, replicate(options), { signal, watcher })
	if (!summary) throw new Error('another process is at it')
	return { summary, troubles, notes, expected }
}

/** All that a run dealt with. */
export function dealtWith({ summary }: Made): number {
	return Object.values(summary.outcomes).reduce((sum, many) => sum + many, summary.troubles)
}
