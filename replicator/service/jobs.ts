/** The work a daemon does by itself. A new kind is a line here and, where it goes by the clock, one in `replicator.schedule`. */
import { REPLICA } from '../../core/catalogue/replicas.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import type { RateConfig, ScheduleConfig } from '../../core/config/types.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import { isLevelDue, levelJob } from '../level/round.ts'
import { expire, isExpireDue } from '../expire/expire.ts'
import { dumpJob } from '../manifest/dump-job.ts'
import { manifest } from '../manifest/manifest.ts'
import { replicate } from '../replicate/replicate.ts'
import { type Pace, paceOf } from '../rate.ts'
import type { Job } from '../replicator.ts'
import { isStatsDue, statsJob } from '../stats/stats.ts'
import { trash } from '../trash/trash.ts'
import { trim } from '../trim/trim.ts'
import { recheck, verify } from '../verify/verify.ts'
import { walk } from '../walk/walk.ts'
import type { PauseLimits } from './pause.ts'

/** Those that go by the clock have the name of their schedule. */
export type JobName = keyof ScheduleConfig | 'level' | 'expire' | 'stats' | 'recheck'

export interface Kind {
	/** Anew for each run: the configuration may have changed. */
	make(fs: Filesystem): Job
	/** Of work that is begun as soon as there is any, besides: asked every second, so it costs next to nothing. */
	isDue?(fs: Filesystem, node: NodeId): Promise<boolean>
	/** How long it is left alone when it could do nothing. */
	pause?: PauseLimits
	/** Whether a file that was written anywhere ends that pause. */
	isWoken?: boolean
	/** It goes through the whole catalogue and keeps much of it in mind: not for two nodes of a process at a time. */
	isLarge?: boolean
	/** It goes on all the time: nobody is told of a run that went well. */
	isSilent?: boolean
}

export type Kinds = Partial<Record<JobName, Kind>>

export const KINDS: Kinds = {
	replicate: {
		make: (fs) => replicate({ pace: paceFor(fs.config.replicator.copyRates) }),
		isDue: inState(REPLICA.wanted),
		pause: { firstMs: 2_000, mostMs: 60_000 },
		isWoken: true,
	},
	// It reads other copies before it removes one: not again and again.
	trim: { make: () => trim(), isDue: inState(REPLICA.surplus), pause: { firstMs: 30_000, mostMs: 600_000 } },
	level: { make: () => levelJob, isDue: isLevelDue, pause: { firstMs: 2_000, mostMs: 15_000 } },
	walk: { make: () => walk() },
	verify: { make: () => verify() },
	// The only copy of a file may stay in doubt for ever.
	recheck: { make: () => recheck, isDue: inState(REPLICA.suspect), pause: { firstMs: 5_000, mostMs: 3_600_000 } },
	manifest: { make: () => manifest(), isLarge: true },
	dump: { make: () => dumpJob, isLarge: true },
	trash: { make: () => trash() },
	expire: { make: () => expire(), isDue: isExpireDue, pause: { firstMs: 2_000, mostMs: 60_000 } },
	stats: { make: () => statsJob, isDue: isStatsDue, pause: { firstMs: 1_000, mostMs: 5_000 }, isSilent: true },
}

/** One for all nodes of this process, until the configuration is read again. */
const paces = new WeakMap<readonly RateConfig[], Pace>()

function paceFor(rates: readonly RateConfig[]): Pace {
	const pace = paces.get(rates) ?? paceOf(rates)
	paces.set(rates, pace)
	return pace
}

/** Whether copies of a node are in that state. */
export function inState(state: number): NonNullable<Kind['isDue']> {
	return async ({ catalogue }, node) => (await replicas.anyInState(catalogue, node, state)) !== undefined
}
