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
		publicPaths: [],
		corsOrigins: [],
		tlsCertFile: '',
		tlsKeyFile: '',
		trustedProxies: [],
		uid: 0,
		gid: 0,
		fileMode: 0o644,
		directoryMode: 0o755,
		requestLog: '',
		idleMs: 60_000,
		drainMs: 10_000,
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

export function withDefaults(partial: PartialConfig): Config {
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
