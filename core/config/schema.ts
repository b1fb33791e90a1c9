/** Which values a configuration may hold, key by key. The types see to it that none is forgotten. */
import { type Check, dictionary, filledText, flag, integer, namedList, oneOf, pattern, record, seconds, secret, text } from './checks.ts'
import type { ClassConfig, Config, MountConfig, NodeConfig } from './types.ts'

type ChecksOf<T> = { [Key in keyof Required<T>]: Check }

const DAY_MS = 86_400_000
const COPIES_MAX = 100
const TRASH_DAYS_MAX = 36_500

const io = oneOf('auto', 'passthrough', 'carried')

const classChecks: ChecksOf<ClassConfig> = {
	name: filledText,
	pattern,
	copies: integer(1, COPIES_MAX),
	zones: integer(1, COPIES_MAX),
	offsite: integer(0, COPIES_MAX),
	policy: oneOf('most-free', 'random', 'local-first', 'existing-path', 'zone-spread'),
	trashDays: integer(0, TRASH_DAYS_MAX),
}

const nodeChecks: ChecksOf<NodeConfig> = { path: filledText, io, remote: flag }

const mountChecks: ChecksOf<MountConfig> = {
	path: text,
	driver: oneOf('fuse', 'fuse-native'),
	io,
	allowOther: flag,
	cacheSeconds: seconds(0, DAY_MS),
	publishSeconds: seconds(0.1, 3_600),
	pollMs: integer(10, 60_000),
	logFile: text,
}

const configChecks: ChecksOf<Config> = {
	catalogue: filledText,
	cataloguePassword: secret,
	cataloguePasswordFile: text,
	catalogueTimeoutMs: integer(100, DAY_MS),
	catalogueConnections: integer(1, 1_000),
	classes: namedList(record(classChecks, ['name', 'pattern', 'copies'])),
	nodes: dictionary(record(nodeChecks)),
	zone: text,
	nodeDeadlineMs: integer(100, DAY_MS),
	nodeCallsMax: integer(1, 1_000),
	mount: record(mountChecks),
}

/** Throws `Wrong` at the first thing that may not be. */
export const checkConfig: Check = record(configChecks)
