/** What the configured mount needs. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../core/config/types.ts'
import { runDirectory } from '../../core/live/directory.ts'
import { canonicalMountPoint } from '../mount-point.ts'
import { mountAt } from '../mountinfo.ts'
import { type Finding, found } from './finding.ts'

export function checkMount({ mount }: { mount: Pick<Config['mount'], 'path' | 'allowOther'> }, uid: number): Finding[] {
	return [checkRunDirectory(), ...(mount.path === '' ? [] : [checkPoint(mount.path)]), ...(uid === 0 ? [] : checkAsUser(mount.allowOther))]
}

function checkRunDirectory(): Finding {
	try {
		const directory = runDirectory(process.env)
		accessSync(directory, constants.W_OK)
		return found('run directory', 'well', directory)
	} catch (error) {
		return found('run directory', 'wrong', (error as Error).message, 'locks and sockets of running processes are kept there')
	}
}

/** The table of mounts is read instead of a mount point that may hang. */
function checkPoint(path: string): Finding {
	if (mountAt(canonicalMountPoint(path, '/'))) return found('mount point', 'well', `${path} is mounted`)
	const stat = statSync(path, { throwIfNoEntry: false })
	if (!stat) return found('mount point', 'doubtful', `${path} is not there`, `mkdir -p ${path}`)
	return stat.isDirectory() ? found('mount point', 'well', `${path} is there; nothing is mounted now`) : found('mount point', 'wrong', `${path} is not a directory`)
}

function checkAsUser(allowOther: boolean): Finding[] {
	const helper = (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, 'fusermount3')))
	const findings = [helper ? found('fusermount3', 'well', 'is there') : found('fusermount3', 'wrong', 'is not there', 'apt install fuse3: who is not root mounts through it')]
	if (!allowOther) return findings
	const isAllowed = existsSync('/etc/fuse.conf') && /^\s*user_allow_other\b/m.test(readFileSync('/etc/fuse.conf', 'latin1'))
	return [...findings, isAllowed ? found('allowOther', 'well', 'is allowed by /etc/fuse.conf') : found('allowOther', 'wrong', 'is not allowed', 'a line user_allow_other in /etc/fuse.conf')]
}
