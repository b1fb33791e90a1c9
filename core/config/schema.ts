/** Which values a configuration may hold, key by key. The types see to it that none is forgotten. */
import {
	address, type Check, cron, dictionary, door, filledList, filledText, flag, hours, integer, label, list, name, namedList, network, number, oneOf, origin, pattern, record, secret, text, treePath, Wrong,
} from './checks.ts'
import {
	type ApiConfig, type BackupConfig, CARRIERS, type ClassConfig, type Config, type ListenConfig, type MountConfig, type NodeConfig, PARTS, type RateConfig, type ReplicatorConfig,
	type ScheduleConfig, type SftpConfig,
} from './types.ts'

type ChecksOf<T> = { [Key in keyof Required<T>]: Check }

const DAY_MS = 86_400_000
const COPIES_MAX = 100
const DAYS_MAX = 36_500

const io = oneOf('auto', 'passthrough', 'carried')

const classChecks: ChecksOf<ClassConfig> = {
	name,
	pattern,
	copies: integer(1, COPIES_MAX),
	zones: integer(1, COPIES_MAX),
	offsite: integer(0, COPIES_MAX),
	policy: oneOf('most-free', 'random', 'local-first', 'existing-path', 'zone-spread'),
	trashDays: integer(0, DAYS_MAX),
}

const classShape = record(classChecks, ['name', 'pattern', 'copies'])

const rule: Check = (value, key) => {
	classShape(value, key)
	const { copies, zones } = value as ClassConfig
	if (zones !== undefined && zones > copies) throw new Wrong(`${key}.zones: found ${zones}, allowed: at most ${copies}, as there are no more copies`)
}

const PORT_MAX = 65_535

const sftpChecks: ChecksOf<SftpConfig> = {
	host: filledText,
	port: integer(1, PORT_MAX),
	user: filledText,
	path: filledText,
	keyFile: filledText,
	knownHostsFile: filledText,
}

const sftp = record(sftpChecks, ['host', 'user', 'path', 'keyFile', 'knownHostsFile'])
const nodeChecks: ChecksOf<NodeConfig> = { path: filledText, io, remote: flag, sftp }

const mountChecks: ChecksOf<MountConfig> = {
	path: text,
	driver: oneOf('fuse', 'fuse-native'),
	io,
	allowOther: flag,
	cacheSeconds: number(0, DAY_MS),
	publishSeconds: number(0.1, 3_600),
	pollMs: integer(10, 60_000),
	trashDays: integer(-1, DAYS_MAX),
	logFile: text,
}

const scheduleChecks: ChecksOf<ScheduleConfig> = {
	replicate: cron,
	walk: cron,
	verify: cron,
	trim: cron,
	manifest: cron,
	dump: cron,
	trash: cron,
}

const rateChecks: ChecksOf<RateConfig> = { hours, bytesPerSecond: integer(0, Number.MAX_SAFE_INTEGER) }
const rates = list(record(rateChecks, ['hours', 'bytesPerSecond']))

const replicatorChecks: ChecksOf<ReplicatorConfig> = {
	schedule: record(scheduleChecks),
	copiesAtOnce: integer(1, 64),
	hashThreads: integer(0, 64),
	copyRates: rates,
	verifyRates: rates,
	verifyDays: integer(1, DAYS_MAX),
	proofDays: integer(0, DAYS_MAX),
	missingShareMax: number(0, 1),
	dumpsKept: integer(1, 1_000),
}

const listenChecks: ChecksOf<ListenConfig> = {
	at: address,
	parts: list(oneOf(...PARTS)),
	anybody: oneOf('', 'read', 'write'),
	hosts: list(filledText),
}

const MODE_MAX = 0o7777
const ID_MAX = 0xffff_fffe

const apiChecks: ChecksOf<ApiConfig> = {
	listen: filledList(record(listenChecks, ['at'])),
	workers: integer(1, 64),
	publicPaths: list(treePath),
	publicSummary: flag,
	corsOrigins: list(origin),
	tlsCertFile: text,
	tlsKeyFile: text,
	trustedProxies: list(network),
	carriedBy: oneOf(...CARRIERS),
	doors: dictionary(door),
	uid: integer(0, ID_MAX),
	gid: integer(0, ID_MAX),
	fileMode: integer(0, MODE_MAX),
	directoryMode: integer(0, MODE_MAX),
	requestLog: text,
	idleMs: integer(100, DAY_MS),
	slowMs: integer(100, DAY_MS),
	slowBytesPerSecond: integer(0, Number.MAX_SAFE_INTEGER),
	drainMs: integer(0, DAY_MS),
	sfssBytesMax: integer(1, Number.MAX_SAFE_INTEGER),
	objectBytesMax: integer(1, Number.MAX_SAFE_INTEGER),
	objectKeyFile: text,
}

const backupChecks: ChecksOf<BackupConfig> = {
	keyFile: filledText,
	rates,
	bytesPerDay: integer(0, Number.MAX_SAFE_INTEGER),
	streams: integer(1, 10_000),
	siteRates: rates,
	siteBytesPerDay: integer(0, Number.MAX_SAFE_INTEGER),
	filesPerBatch: integer(1, 1_000),
	bytesPerBatch: integer(1, Number.MAX_SAFE_INTEGER),
	parallel: integer(1, 64),
	leaseSeconds: integer(10, 86_400),
	proofDays: integer(1, DAYS_MAX),
	legacy: flag,
	legacyDocroot: text,
	legacyServers: list(filledText),
}

const configChecks: ChecksOf<Config> = {
	catalogue: filledText,
	cataloguePassword: secret,
	cataloguePasswordFile: text,
	catalogueTimeoutMs: integer(100, DAY_MS),
	catalogueConnections: integer(1, 1_000),
	classes: namedList(rule),
	nodes: dictionary(record(nodeChecks)),
	zone: label,
	nodeDeadlineMs: integer(100, DAY_MS),
	nodeCallsMax: integer(1, 1_000),
	mount: record(mountChecks),
	replicator: record(replicatorChecks),
	api: record(apiChecks),
	backup: record(backupChecks),
}

/** Throws `Wrong` at the first thing that may not be. */
export const checkConfig: Check = record(configChecks)
