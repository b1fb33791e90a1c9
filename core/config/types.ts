/** Everything a configuration may say. config.example.ts has each of these with its default and a comment. */
export interface Config {
	/**
	 * `sqlite:PATH` or a plain path; `mysql://user@host:port/database?socketPath=...`.
	 * A password comes from `cataloguePassword`, `cataloguePasswordFile` or $CAIRN_CATALOGUE_PASSWORD, or stands in the URL.
	 */
	catalogue: string
	/** Once loaded: what the file or the environment said. */
	cataloguePassword: string
	cataloguePasswordFile: string
	/** How long an operation waits for a catalogue that does not answer before the caller gets EIO. */
	catalogueTimeoutMs: number
	/** Connections to a MySQL catalogue. */
	catalogueConnections: number
	/** What `cairn init` and `cairn class apply` write into the catalogue's class table, in order; the first whose pattern matches wins. */
	classes: ClassConfig[]
	/** Where nodes are on this machine, by node name, when it is not where the catalogue says. */
	nodes: Record<string, NodeConfig>
	/** The zone this machine is in: its nodes are preferred. */
	zone: string
	/** How long one call on a remote node may take. */
	nodeDeadlineMs: number
	/** Calls under way at once on one remote node. */
	nodeCallsMax: number
	mount: MountConfig
	replicator: ReplicatorConfig
	api: ApiConfig
	backup: BackupConfig
}

export type Policy = 'most-free' | 'random' | 'local-first' | 'existing-path' | 'zone-spread'

export interface ClassConfig {
	name: string
	/** Regular expression on the path below the root of the tree, without the first slash. */
	pattern: string
	copies: number
	zones?: number
	offsite?: number
	policy?: Policy
	trashDays?: number
}

export type NodeIo = 'auto' | 'passthrough' | 'carried'

export interface NodeConfig {
	path?: string
	io?: NodeIo
	/** Treat it as reached over a network (worker threads, deadlines), or not, whatever its filesystem says. */
	remote?: boolean
	/** How replicators of other machines read from it where it is not mounted. */
	sftp?: SftpConfig
}

export interface SftpConfig {
	host: string
	port?: number
	user: string
	/** The node's root on that machine. */
	path: string
	/** A private key; readable by its owner only. */
	keyFile: string
	/** In OpenSSH's form. A host that is not in it, or has another key, is not spoken to. */
	knownHostsFile: string
}

export interface MountConfig {
	path: string
	/** fuse: the kernel protocol itself; fuse-native: the portable driver. */
	driver: 'fuse' | 'fuse-native'
	io: NodeIo
	allowOther: boolean
	/** Seconds the kernel may keep names and attributes; changes by others are told to it. */
	cacheSeconds: number
	/** How often an open, changing file is published. */
	publishSeconds: number
	/** How often the change journal is read when nothing happens here. */
	pollMs: number
	/** Days that what is removed through this mount stays in /.trash, whatever its class says; 0: it does not; -1: as its class says. */
	trashDays: number
	logFile: string
}

/** When each kind of work begins, as cron says it (five fields, or six with seconds); '' for never. */
export interface ScheduleConfig {
	replicate: string
	walk: string
	verify: string
	trim: string
	manifest: string
	dump: string
	trash: string
}

/** At most this much between these hours of the day. */
export interface RateConfig {
	/** '8-18', '22-6': from the first hour to the beginning of the second, of this machine's day. '' is the whole day. */
	hours: string
	/** 0: nothing at all. */
	bytesPerSecond: number
}

export interface ReplicatorConfig {
	schedule: ScheduleConfig
	/** Files copied at once. */
	copiesAtOnce: number
	/** Threads that hash; 0: as many as there are processors. */
	hashThreads: number
	/** The first whose hours it is holds; outside all of them there is no limit. */
	copyRates: RateConfig[]
	verifyRates: RateConfig[]
	/** A copy is to be verified again after this many days. */
	verifyDays: number
	/** A copy proved within this many days counts as seen by hash when another is to be removed. */
	proofDays: number
	/** The share of a directory's known files that may be missing on a node before a walk refuses to believe it. */
	missingShareMax: number
	/** Dumps of the catalogue kept on each node. */
	dumpsKept: number
}

/** What `cairn api` can serve: folders of api/. */
export const PARTS = ['files', 'dav', 'sfss', 'hercules', 'objects', 'backup', 'stats', 'metrics'] as const
export type PartName = (typeof PARTS)[number]

export interface ListenConfig {
	/** `host:port`, `[::1]:port`, or `unix:/path`. */
	at: string
	/** Served there; all of them where it is left out. */
	parts?: PartName[]
	/** Whoever reaches this address may do that without a token. */
	anybody?: 'read' | 'write' | ''
	/** Names with a dot in them by which it may be asked without a token, besides that of the machine. */
	hosts?: string[]
}

export const CARRIERS = ['cairn', 'x-accel-redirect', 'x-sendfile'] as const
export type CarriedBy = (typeof CARRIERS)[number]

export interface ApiConfig {
	listen: ListenConfig[]
	/** Processes that serve these addresses; each is a client of the catalogue, and counts what a token may ask by itself. */
	workers: number
	/** Paths below which anybody may read. */
	publicPaths: string[]
	/** Anybody may see `/summary`: how it stands, no names of files or machines. */
	publicSummary: boolean
	/** Origins whose pages may use this door from a browser; `*` for all. */
	corsOrigins: string[]
	/** Both or none: then it speaks HTTPS. SIGHUP reads them again. */
	tlsCertFile: string
	tlsKeyFile: string
	/** Proxies whose X-Forwarded-For is believed: addresses or networks. */
	trustedProxies: string[]
	/** Who carries the content of large files: a web server in front can, when told which file of which node. */
	carriedBy: CarriedBy
	/** Doors on the machines of nodes, by node name: who asks for a large file that is there is sent to it. */
	doors: Record<string, string>
	/** Of what is made through it. */
	uid: number
	gid: number
	fileMode: number
	directoryMode: number
	/** A line of JSON for each request; '' for nowhere, '-' for standard output. */
	requestLog: string
	/** A request that neither sends nor takes anything for so long is ended. */
	idleMs: number
	/** One that sends or takes less than `slowBytesPerSecond`, in the mean over `slowMs`, is ended; 0 bytes: as slow as it likes. */
	slowMs: number
	slowBytesPerSecond: number
	/** How long requests under way may take when the door is told to end. */
	drainMs: number
	/** Of one file, in the dialect of sfss. */
	sfssBytesMax: number
	/** Of one object, in the dialect of SeaweedFS. */
	objectBytesMax: number
	/** Holds the key that tokens for single objects (JWT) are signed with; '' for none. Readable by its owner only. */
	objectKeyFile: string
}

/** Copies at sites elsewhere, which come to `cairn api` for them. What begins with `site` holds for a site that says nothing else. */
export interface BackupConfig {
	/** Keys of sites are stored encrypted with what is in this file; made by the first `cairn site add`. */
	keyFile: string
	/** Of all sites together. The first whose hours it is holds; outside all of them there is no limit. */
	rates: RateConfig[]
	/** Of all sites together; 0: no limit. */
	bytesPerDay: number
	/** Downloads at once, of all sites. */
	streams: number
	siteRates: RateConfig[]
	siteBytesPerDay: number
	filesPerBatch: number
	bytesPerBatch: number
	/** Downloads at once, of one site. */
	parallel: number
	/** Work that was given out and not reported is given to others after this long, unless the agent asks for more time. */
	leaseSeconds: number
	/** A site has to prove again that it has a file after this many days. */
	proofDays: number
	/** Answer the protocol of the system before this one at /filesystem-api.php, to sites that are set to it. */
	legacy: boolean
	/** What its agents replace in the paths they are given, and by what: they fetch from a plain web server. */
	legacyDocroot: string
	legacyServers: string[]
}

/** What a configuration file says: what it leaves out has its default. */
export type PartialConfig = Partial<Omit<Config, 'mount' | 'replicator' | 'api' | 'backup'>> & {
	mount?: Partial<MountConfig>
	api?: Partial<ApiConfig>
	backup?: Partial<BackupConfig>
	replicator?: Partial<Omit<ReplicatorConfig, 'schedule'>> & { schedule?: Partial<ScheduleConfig> }
}
