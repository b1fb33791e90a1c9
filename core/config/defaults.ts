/** What holds where a configuration says nothing. */
import type { Config, PartialConfig } from './types.ts'

const DEFAULTS: Config = {
	catalogue: 'catalogue.db',
	cataloguePassword: '',
	cataloguePasswordFile: '',
	catalogueTimeoutMs: 10_000,
	catalogueConnections: 8,
	classes: [{ name: 'default', pattern: '', copies: 2, zones: 1, offsite: 0, policy: 'most-free', trashDays: 0 }],
	nodes: {},
	zone: '',
	nodeDeadlineMs: 4_000,
	nodeCallsMax: 8,
	mount: {
		path: '',
		driver: 'fuse',
		io: 'auto',
		allowOther: false,
		cacheSeconds: 3_600,
		publishSeconds: 5,
		pollMs: 100,
		trashDays: -1,
		logFile: '',
	},
	replicator: {
		schedule: {
			replicate: '* * * * *',
			walk: '',
			verify: '17 1 * * *',
			trim: '*/10 * * * *',
			manifest: '*/5 * * * *',
			dump: '43 3 * * *',
			trash: '31 4 * * *',
		},
		copiesAtOnce: 4,
		hashThreads: 0,
		copyRates: [],
		verifyRates: [],
		verifyDays: 90,
		proofDays: 30,
		missingShareMax: 0.1,
		dumpsKept: 7,
	},
	api: {
		listen: [{ at: '127.0.0.1:7780' }],
		workers: 1,
		publicPaths: [],
		publicSummary: false,
		corsOrigins: [],
		tlsCertFile: '',
		tlsKeyFile: '',
		trustedProxies: [],
		carriedBy: 'cairn',
		doors: {},
		uid: 0,
		gid: 0,
		fileMode: 0o644,
		directoryMode: 0o755,
		requestLog: '',
		idleMs: 65_000,
		slowMs: 60_000,
		slowBytesPerSecond: 256,
		drainMs: 10_000,
		sfssBytesMax: 2 * 1024 * 1024,
		objectBytesMax: 256 * 1024 * 1024,
		objectKeyFile: '',
	},
	backup: {
		keyFile: 'backup.key',
		rates: [],
		bytesPerDay: 0,
		streams: 32,
		siteRates: [],
		siteBytesPerDay: 0,
		filesPerBatch: 500,
		bytesPerBatch: 1_073_741_824,
		parallel: 4,
		leaseSeconds: 900,
		proofDays: 30,
		legacy: false,
		legacyDocroot: '',
		legacyServers: [],
	},
}

export function withDefaults(config: PartialConfig): Config {
	const partial = withoutUndefined(config) as PartialConfig
	const defaults = structuredClone(DEFAULTS)
	const { replicator } = defaults
	return {
		...defaults,
		...partial,
		mount: { ...defaults.mount, ...partial.mount },
		api: { ...defaults.api, ...partial.api },
		backup: { ...defaults.backup, ...partial.backup },
		replicator: { ...replicator, ...partial.replicator, schedule: { ...replicator.schedule, ...partial.replicator?.schedule } },
	}
}

/** `zone: process.env.ZONE` says nothing where there is no such variable. */
function withoutUndefined(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(withoutUndefined)
	if (typeof value !== 'object' || value === null) return value
	const said = Object.entries(value).filter(([, field]) => field !== undefined)
	return Object.fromEntries(said.map(([key, field]) => [key, withoutUndefined(field)]))
}
