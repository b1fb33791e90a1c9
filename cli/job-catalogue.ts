/** The catalogue as a job wants it: open before the rest of what the job needs is loaded. */
import type { Driver } from '../core/catalogue/driver.ts'
import { openCatalogue } from '../core/catalogue/open.ts'
import type { Config } from '../core/config/types.ts'
import { measured } from '../core/metrics/measured-driver.ts'

/** Jobs go through the catalogue in order: what they have passed serves them no more, and a daemon is there for ever. */
const CACHE_KIB_MAX = 8 * 1024

export interface Opened {
	config: Config
	catalogue: Driver
	/** By this process, which is let in while nobody else is. */
	isBeingFilled?: boolean
}

export async function openForJob(config: Config): Promise<Opened> {
	return { config, catalogue: measured(await openCatalogue(config, { cacheKibMax: CACHE_KIB_MAX })) }
}
