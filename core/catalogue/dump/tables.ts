/**
 * What a dump has of the catalogue: every table but those that speak of what is under way (`client`, `lease`, `dav_lock`, `upload`,
 * `carried`) and of what sites are being given or asked for at this moment, those that belong to one engine (`commit_token`, `migration`),
 * and the journal, of which only its last number matters.
 */
export interface DumpedTable {
	name: string
	columns: readonly string[]
	/** What orders the rows and pages them: one column or two. */
	key: readonly [string] | readonly [string, string]
	/** Columns that hold bytes. */
	bytes: readonly string[]
}

/** In the order in which they are written and read. */
export const TABLES: readonly DumpedTable[] = [
	{ name: 'setting', columns: ['name', 'value'], key: ['name'], bytes: [] },
	{
		name: 'node',
		columns: ['id', 'name', 'path', 'zone', 'state', 'since', 'uuid', 'io', 'capacity', 'free', 'reserve', 'weight', 'seen_at'],
		key: ['id'],
		bytes: [],
	},
	{
		name: 'class',
		columns: ['id', 'name', 'position', 'pattern', 'copies', 'zones', 'offsite', 'policy', 'trash'],
		key: ['id'],
		bytes: [],
	},
	{
		name: 'file',
		columns: [
			...['id', 'kind', 'mode', 'uid', 'gid', 'rdev', 'nlink', 'size', 'blocks', 'atime', 'atime_ns', 'mtime', 'mtime_ns', 'ctime', 'ctime_ns'],
			...['version', 'hash', 'hash_version', 'class_id', 'target', 'flags'],
		],
		key: ['id'],
		bytes: ['hash', 'target'],
	},
	{ name: 'entry', columns: ['parent_id', 'name', 'file_id'], key: ['parent_id', 'name'], bytes: ['name'] },
	{ name: 'replica', columns: ['file_id', 'node_id', 'version', 'state', 'verified_at'], key: ['file_id', 'node_id'], bytes: [] },
	{ name: 'xattr', columns: ['file_id', 'name', 'value'], key: ['file_id', 'name'], bytes: ['name', 'value'] },
	{ name: 'writer', columns: ['file_id', 'client_id', 'node_id'], key: ['file_id', 'client_id'], bytes: [] },
	{
		name: 'intent',
		columns: ['id', 'node_id', 'op', 'path', 'to_path', 'file_id', 'client_id', 'token', 'created'],
		key: ['id'],
		bytes: ['path', 'to_path'],
	},
	{ name: 'job', columns: ['name', 'state', 'started', 'ended', 'position', 'summary'], key: ['name'], bytes: ['position'] },
	{
		name: 'conflict',
		columns: ['id', 'node_id', 'path', 'aside', 'file_id', 'reason', 'size', 'mtime', 'found'],
		key: ['id'],
		bytes: ['path', 'aside'],
	},
	{
		name: 'token',
		columns: ['id', 'name', 'hash', 'role', 'paths', 'per_minute', 'created', 'expires', 'used'],
		key: ['id'],
		bytes: ['hash', 'paths'],
	},
	{ name: 'object_volume', columns: ['id', 'collection', 'ttl', 'zone', 'replication'], key: ['id'], bytes: [] },
	{ name: 'object_reservation', columns: ['id', 'count', 'volume_id', 'cookie', 'expires'], key: ['id'], bytes: [] },
	{
		name: 'object',
		columns: ['id', 'volume_id', 'cookie', 'file_id', 'version', 'crc', 'expires', 'name', 'mime', 'headers'],
		key: ['id'],
		bytes: [],
	},
	{ name: 'stat_day', columns: ['day', 'series', 'files', 'bytes'], key: ['day', 'series'], bytes: [] },
	{ name: 'stat_activity', columns: ['day', 'op', 'many'], key: ['day', 'op'], bytes: [] },
	{
		name: 'site',
		columns: ['id', 'name', 'sealed_key', 'state', 'paused_until', 'settings', 'agent', 'about', 'created', 'seen_at'],
		key: ['id'],
		bytes: ['sealed_key'],
	},
	{
		name: 'backup',
		columns: [
			...['file_id', 'site_id', 'version', 'state', 'copies', 'since', 'tried', 'claimed_at', 'proved_at', 'challenge'],
			...['path', 'size', 'hash', 'mode', 'uid', 'gid', 'mtime', 'mtime_ns'],
		],
		key: ['file_id', 'site_id'],
		bytes: ['challenge', 'path', 'hash'],
	},
	{
		name: 'backup_past',
		columns: [
			...['id', 'site_id', 'file_id', 'version', 'path', 'size', 'hash', 'mode', 'uid', 'gid', 'mtime', 'mtime_ns', 'claimed_at', 'ended_at'],
		],
		key: ['id'],
		bytes: ['path', 'hash'],
	},
	{ name: 'backup_notice', columns: ['id', 'site_id', 'kind', 'path', 'at'], key: ['id'], bytes: ['path'] },
	{ name: 'site_log', columns: ['id', 'site_id', 'at', 'what', 'detail'], key: ['id'], bytes: [] },
	{ name: 'site_day', columns: ['site_id', 'day', 'files', 'bytes', 'proved', 'failed'], key: ['site_id', 'day'], bytes: [] },
	{ name: 'verify_day', columns: ['node_id', 'day', 'files', 'bytes', 'bad'], key: ['node_id', 'day'], bytes: [] },
]

/** The last of them are figures that are counted anew from what was loaded. */
export const LEFT_OUT: readonly string[] = [
	...['client', 'lease', 'change', 'migration', 'commit_token', 'dav_lock', 'upload', 'carried', 'moves'],
	...['backup_lease', 'backup_leased', 'backup_order', 'site_nonce'],
	...['stat_file', 'stat_directory', 'stat_copies', 'stat_node', 'stat_offsite', 'stat_site', 'stat_touched'],
]
