/** The options that say what a site takes, when and how fast. */
import type { Argv } from 'yargs'
import { cron, hours, treePath } from '../core/config/checks.ts'
import type { RateConfig } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import { type Mode, MODES, type SiteSettings } from '../core/off-site/site-settings.ts'
import { checked } from './checked.ts'
import { EXIT } from './exit-codes.ts'
import { parseSize } from './sizes.ts'
import type { Common } from './verb.ts'

export interface SiteOptions extends Common {
	class?: string[]
	path?: string[]
	mode?: string[]
	schedule?: string
	rate?: string[]
	perDay?: string
	batchFiles?: number
	batchSize?: string
	parallel?: number
	direct?: string
	legacy?: boolean
	default?: string[]
}

const NAMES = {
	class: 'classes', path: 'paths', mode: 'modes', schedule: 'schedule', rate: 'rates', 'per-day': 'bytesPerDay', 'batch-files': 'filesPerBatch',
	'batch-size': 'bytesPerBatch', parallel: 'parallel', direct: 'direct', legacy: 'legacy',
} as const satisfies Record<string, keyof SiteSettings>

const OPTIONS = Object.keys(NAMES) as Array<keyof typeof NAMES>
const BATCH_FILES_MAX = 1_000
const PARALLEL_MAX = 64

export function siteOptions(yargs: Argv<Common>): Argv<SiteOptions> {
	const again = { type: 'string', array: true, nargs: 1 } as const
	return yargs
		.option('class', { ...again, describe: 'only files of this class; may be said again' })
		.option('path', { ...again, describe: 'only files below this path of the tree; may be said again' })
		.option('mode', { ...again, choices: MODES, describe: 'what its agent may ask for, the first by itself' })
		.option('schedule', { type: 'string', requiresArg: true, describe: "when its agent should run, as cron says it: '0 2 * * *'" })
		.option('rate', { ...again, describe: "bytes per second: 2M, or at some hours 8-18=500K; the first that fits holds; 0 is nothing at all" })
		.option('per-day', { type: 'string', requiresArg: true, describe: 'bytes a day: 20G; 0 for no limit' })
		.option('batch-files', { type: 'number', requiresArg: true, describe: 'files given out at once' })
		.option('batch-size', { type: 'string', requiresArg: true, describe: 'bytes given out at once: 1G' })
		.option('parallel', { type: 'number', requiresArg: true, describe: 'downloads at once' })
		.option('direct', { type: 'string', requiresArg: true, describe: 'where files can be fetched past this door: https://host/prefix/' })
		.option('legacy', { type: 'boolean', describe: 'its agent is one of the system before this one' })
		.option('default', { ...again, choices: OPTIONS, describe: 'this as the configuration says for all sites' }) as Argv<SiteOptions>
}

/** What the options say, the rest as it was. */
export function withSiteOptions(settings: SiteSettings, options: SiteOptions): SiteSettings {
	const said: SiteSettings = {
		classes: options.class,
		paths: options.path,
		modes: options.mode as Mode[] | undefined,
		schedule: options.schedule && checked('--schedule', options.schedule, cron),
		rates: options.rate?.map(toRate),
		bytesPerDay: options.perDay === undefined ? undefined : parseSize(options.perDay, '--per-day'),
		filesPerBatch: wholeUpTo('--batch-files', options.batchFiles, BATCH_FILES_MAX),
		bytesPerBatch: options.batchSize === undefined ? undefined : parseSize(options.batchSize, '--batch-size'),
		parallel: wholeUpTo('--parallel', options.parallel, PARALLEL_MAX),
		direct: options.direct && checkDirect(options.direct),
		legacy: options.legacy,
	}
	if (said.paths?.includes('')) throw new UserError('--path: it is empty; all of the tree is /', EXIT.usage)
	if (said.paths?.some((path) => path.includes('\n'))) throw new UserError('--path: a path with a line break in it cannot be one of a site', EXIT.usage)
	for (const path of said.paths ?? []) checked('--path', path, treePath)
	const both = options.default?.find((name) => said[NAMES[name as keyof typeof NAMES]] !== undefined)
	if (both !== undefined) throw new UserError(`--${both} and --default ${both}: which?`, EXIT.usage)
	const next: SiteSettings = { ...settings, ...(JSON.parse(JSON.stringify(said)) as SiteSettings) }
	for (const name of options.default ?? []) delete next[NAMES[name as keyof typeof NAMES]]
	return next
}

export function saysAnything(options: SiteOptions): boolean {
	const { class: classes, path, mode, schedule, rate, perDay, batchFiles, batchSize, parallel, direct, legacy } = options
	return [classes, path, mode, schedule, rate, perDay, batchFiles, batchSize, parallel, direct, legacy, options.default].some((value) => value !== undefined)
}

function toRate(text: string): RateConfig {
	const at = text.indexOf('=')
	const [when, much] = at === -1 ? ['', text] : [text.slice(0, at), text.slice(at + 1)]
	return { hours: checked('--rate', when, hours), bytesPerSecond: parseSize(much, '--rate') }
}

function wholeUpTo(option: string, value: number | undefined, most: number): number | undefined {
	if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= most)) return value
	throw new UserError(`${option}: a whole number from 1 to ${most}`, EXIT.usage)
}

function checkDirect(text: string): string {
	if (/^https?:\/\/[^\s/@]+(\/\S*)?\/$/.test(text)) return text
	throw new UserError(`--direct: found '${text}', allowed: https://host/prefix/, with a slash at the end and no password`, EXIT.usage)
}
