/** `filelist`: files to fetch, or those of a folder, as the old agents read them. */
import type { BackupRow } from '../../../core/catalogue/backups.ts'
import * as backups from '../../../core/catalogue/backups.ts'
import { isHeld } from '../../../core/catalogue/backups.ts'
import * as entries from '../../../core/catalogue/entries.ts'
import { KIND } from '../../../core/catalogue/files.ts'
import type { ReplicaRow } from '../../../core/catalogue/replicas.ts'
import * as replicas from '../../../core/catalogue/replicas.ts'
import * as xattrs from '../../../core/catalogue/xattrs.ts'
import type { FileId, Path } from '../../../core/ids.ts'
import { createFinder } from '../../../core/off-site/at-path.ts'
import { endLeases, takeWork } from '../../../core/off-site/lease.ts'
import type { Mode } from '../../../core/off-site/site-settings.ts'
import { run } from '../../../core/op.ts'
import { classById } from '../../../core/placement/placement.ts'
import { joinPath } from '../../../core/filesystem/directories.ts'
import type { Api } from '../../api.ts'
import { admit } from '../admit.ts'
import { logLine } from '../credentials.ts'
import type { Site } from '../known-sites.ts'

const MD5 = Buffer.from('user.md5')
const SLEEP_SECONDS = '0'
const FOLDER_FILES_MAX = 10_000
const SLASH = '/'

interface Listed {
	id: FileId
	version: number
	size: number
	mtime: number
	path: Path
}

export async function filesToFetch(api: Api, site: Site, mode: Mode): Promise<object> {
	await admit(api, site)
	// They do not say when they begin anew: whatever they had before is given out again.
	await endLeases(api.fs, site.row.id)
	const { filesPerBatch: files, bytesPerBatch: bytes } = site.limits
	const lease = await takeWork(api.fs, site.row.id, { mode, files, bytes })
	if (!lease || lease.files.length === 0) return { error: 'No tasks right now' }
	logLine(api, site, { what: 'lease', detail: `${lease.files.length} files (${mode}, old protocol)` })
	return answer(api, await rowsOf(api, lease.files), lease.id)
}

export async function filesOfFolder(api: Api, site: Site, folder: string): Promise<object> {
	const path = inTree(api, Buffer.from(folder))
	const directory = path && (path.length === 0 ? { id: 1, kind: KIND.directory } : await run(createFinder()(api.fs.catalogue, path)))
	if (directory?.kind !== KIND.directory) return { error: 'Unknown folder' }
	const rows = await entries.list(api.fs.catalogue, directory.id, Buffer.alloc(0), FOLDER_FILES_MAX)
	const found = rows
		.filter((row) => row.kind === KIND.regular && row.version > 0 && classById(api.fs, row.class_id).offsite > 0)
		.map((row): Listed => ({ ...row, path: joinPath(path as Path, Buffer.from(row.name)) }))
	logLine(api, site, { what: 'filelist', detail: `${found.length} files of a folder (old protocol)` })
	return answer(api, await rowsOf(api, found))
}

function answer({ config }: Api, rows: object[], taskId?: string): object {
	const { legacyDocroot: docroot, legacyServers: servers } = config.backup
	return { docroot, server: servers.length === 1 ? servers[0] : servers, sleep: SLEEP_SECONDS, ...(taskId === undefined ? {} : { task_id: taskId }), rows }
}

/** Undefined: it is not below where the old system had its tree. */
function inTree({ config }: Api, path: Buffer): Path | undefined {
	const root = Buffer.from(config.backup.legacyDocroot)
	if (!path.subarray(0, root.length).equals(root)) return undefined
	let from = root.length
	while (path[from] === 0x2f) from++
	let to = path.length
	while (to > from && path[to - 1] === 0x2f) to--
	return path.subarray(from, to)
}

async function rowsOf({ fs, config }: Api, files: readonly Listed[]): Promise<object[]> {
	if (files.length === 0) return []
	const held = Map.groupBy(
		((await fs.catalogue.read(...backups.ofFilesQueries(files.map(({ id }) => id)))) as BackupRow[][]).flat().filter(isHeld),
		(row) => row.file_id,
	)
	const docroot = config.backup.legacyDocroot
	const rows: object[] = []
	for (const { id, version, size, mtime, path } of files) {
		const [copies, [md5]] = (await fs.catalogue.read(replicas.ofFileQuery(id), xattrs.findQuery(id, MD5))) as [ReplicaRow[], Array<{ value: Uint8Array }>]
		rows.push({
			file_id: String(id),
			filename: `${docroot}${docroot.endsWith(SLASH) ? '' : SLASH}${path}`,
			backups: String(held.get(id)?.length ?? 0),
			size: String(size),
			// Of the first version: what was imported knows no other.
			md5sum: version === 1 && md5 ? Buffer.from(md5.value).toString() : '',
			modified: String(mtime),
			replica_count: String(copies.filter((copy) => copy.version === version).length),
		})
	}
	return rows
}
