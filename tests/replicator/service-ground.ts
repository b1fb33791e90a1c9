/** A daemon over nodes in a directory, with work of its own and a pace that tests need not wait for. */
import { EventEmitter, once } from 'node:events'
import type { TestContext } from 'node:test'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Job, Replicator } from '../../replicator/replicator.ts'
import { inState, type JobName } from '../../replicator/service/jobs.ts'
import { type Service, startService } from '../../replicator/service/service.ts'
import type { Client } from '../unit/installation.ts'

export const TICK_MS = 5

/** Work that tells when it begins and goes on until it is let go or stopped. */
export function work(what: string, ofTree = false) {
	const told = new EventEmitter()
	let begun = 0
	let hold = false
	const job: Job = {
		what,
		ofTree,
		async work(replicator: Replicator) {
			begun++
			told.emit('begun', replicator)
			if (hold && !replicator.run.signal.aborted) await Promise.race([once(told, 'go'), once(replicator.run.signal, 'abort')])
			replicator.run.done('seen', 0)
		},
	}
	return {
		kind: { make: () => job },
		/** Begun when a row of table replica is in that state, besides. */
		when: (state: number) => ({ make: () => job, isDue: inState(state), pause: { firstMs: 2_000, mostMs: 60_000 }, isWoken: true }),
		begins: () => once(told, 'begun'),
		begun: () => begun,
		holdOn() {
			hold = true
		},
		go: () => told.emit('go'),
	}
}

interface Daemon {
	lines: string[]
	said: EventEmitter
	stop(): Promise<void>
	ended: Promise<void>
	reschedule(): void
}

export function daemon(test: TestContext, { fs }: Client, kinds: Service['kinds']): Daemon {
	const lines: string[] = []
	const said = new EventEmitter()
	const say = (line: string) => {
		lines.push(line)
		said.emit('line', line)
	}
	const stopping = new AbortController()
	const started = startService({
		fs,
		isOurs: () => true,
		signal: stopping.signal,
		report: say,
		show: (job, node) => ({
			watcher: {},
			end: () => say(`${job} ${node.name} ended`),
			elsewhere: (holder) => say(`${job} ${node.name} elsewhere: ${holder}`),
			failed: (error) => say(`${job} ${node.name} failed: ${error.message}`),
		}),
		kinds,
		tickMs: TICK_MS,
		renewMs: TICK_MS,
	})
	const stop = async () => {
		stopping.abort()
		await started.ended
	}
	test.after(stop)
	return { lines, said, stop, ended: started.ended, reschedule: started.reschedule }
}

export function schedule(fs: Filesystem, expressions: Partial<Record<JobName, string>>): void {
	const never = { replicate: '', walk: '', verify: '', trim: '', manifest: '', dump: '', trash: '' }
	fs.config.replicator.schedule = { ...never, ...expressions }
}

/** Once a year, not today. */
export const SELDOM = `0 0 ${new Date().getDate() === 1 ? 2 : 1} ${((new Date().getMonth() + 6) % 12) + 1} *`

export async function line(from: Daemon, pattern: RegExp): Promise<void> {
	while (!from.lines.some((each) => pattern.test(each))) await once(from.said, 'line')
}
