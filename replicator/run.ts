/**
 * One run of a job: it is told what happens to each file, counts, and knows when to stop. Whoever starts the job decides how
 * that is shown (a bar, plain lines, JSON). Every file a job looks at ends in exactly one `done` or one `trouble`, so that
 * the counts add up.
 */
export interface Run {
	/** Aborted: end at the next file, with what is done so far recorded. */
	readonly signal: AbortSignal
	/** There is this much more to do. May be called again and again as more is found, or never. */
	expect(files: number, bytes: number): void
	/** Part of a large file: moves the bar, and counts once `done` has the whole. */
	moved(bytes: number): void
	/** One file dealt with. `outcome` is a word of the job's own: copied, adopted, known, ... */
	done(outcome: string, bytes: number): void
	/** Something left undone. The run goes on, its exit code says that something was left, and the next run tries again. */
	trouble(path: string | Uint8Array, why: string): void
	/** Something a keeper should know that is no failure of this run. */
	note(line: string): void
}

export interface Summary {
	/** Files by outcome. */
	outcomes: Record<string, number>
	bytes: number
	troubles: number
	/** True when it was stopped before its end. */
	stopped: boolean
	seconds: number
}

/** What is shown of a run while it goes on. All have a default: nothing. */
export interface Watcher {
	expected?(files: number, bytes: number): void
	moved?(bytes: number): void
	done?(outcome: string, bytes: number): void
	trouble?(path: string | Uint8Array, why: string): void
	note?(line: string): void
}

export function startRun(signal: AbortSignal, watcher: Watcher = {}): Run & { summary(): Summary } {
	const startedMs = performance.now()
	const outcomes: Record<string, number> = {}
	let bytes = 0
	let troubles = 0
	return {
		signal,
		expect: (files, size) => watcher.expected?.(files, size),
		moved: (count) => watcher.moved?.(count),
		done(outcome, size) {
			outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
			bytes += size
			watcher.done?.(outcome, size)
		},
		trouble(path, why) {
			troubles++
			watcher.trouble?.(path, why)
		},
		note: (line) => watcher.note?.(line),
		summary: () => ({ outcomes, bytes, troubles, stopped: signal.aborted, seconds: (performance.now() - startedMs) / 1000 }),
	}
}
