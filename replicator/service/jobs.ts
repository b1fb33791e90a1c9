/** The work a daemon does by itself, by the name it has in `replicator.schedule`. */
import type { ScheduleConfig } from '../../core/config/types.ts'
import type { Job } from '../replicator.ts'
import { trim } from '../trim/trim.ts'
import { walk } from '../walk/walk.ts'

export type JobName = keyof ScheduleConfig

/** Made anew for each run: the configuration may have changed. */
export type JobFactory = () => Job

export const JOBS: Partial<Record<JobName, JobFactory>> = {
	trim: () => trim(),
	walk: () => walk(),
}
