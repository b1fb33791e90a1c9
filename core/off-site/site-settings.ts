/** What a site takes, when and how fast: kept as JSON with the site, what it leaves out is as the configuration says. */
import type { BackupConfig, RateConfig } from '../config/types.ts'
import { covers, toTop } from '../access/scope.ts'
import type { Path } from '../ids.ts'

export const MODES = ['fill-gaps', 'recent', 'full'] as const
export type Mode = (typeof MODES)[number]

/** What the keeper said of this site; undefined: as the configuration says for all. */
export interface SiteSettings {
	/** Names of classes; of all where it is left out. */
	classes?: string[]
	/** Paths of the tree below which it takes files. */
	paths?: string[]
	modes?: Mode[]
	/** When the keeper would like it to run, as cron says it. */
	schedule?: string
	rates?: RateConfig[]
	bytesPerDay?: number
	filesPerBatch?: number
	bytesPerBatch?: number
	parallel?: number
	/** Where files can be fetched without this door. */
	direct?: string
	/** Its agent speaks the protocol of the system before this one. */
	legacy?: boolean
	/** As which it was known there. */
	identity?: string
}

export interface Limits {
	rates: readonly RateConfig[]
	/** 0: no limit. */
	bytesPerDay: number
	filesPerBatch: number
	bytesPerBatch: number
	parallel: number
}

export function readSettings({ settings }: { settings: string }): SiteSettings {
	return JSON.parse(settings) as SiteSettings
}

export function limitsOf(settings: SiteSettings, config: BackupConfig): Limits {
	return {
		rates: settings.rates ?? config.siteRates,
		bytesPerDay: settings.bytesPerDay ?? config.siteBytesPerDay,
		filesPerBatch: settings.filesPerBatch ?? config.filesPerBatch,
		bytesPerBatch: settings.bytesPerBatch ?? config.bytesPerBatch,
		parallel: settings.parallel ?? config.parallel,
	}
}

/** Whether a site takes files of a class under a path. */
export function takerOf({ classes, paths }: SiteSettings): (className: string, path: Path) => boolean {
	const tops = paths?.map(toTop)
	return (className, path) => (classes === undefined || classes.includes(className)) && covers(tops, path)
}
