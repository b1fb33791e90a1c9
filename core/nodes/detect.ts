/**
 * Whether a path is on a filesystem that can hang, told from the table of mounts: the path itself is not touched beyond the
 * point where it gets onto such a filesystem.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { codeOf, fail } from '../errors.ts'

/** These answer as the disk below them does. Everything else (nfs, cifs, fuse.*, 9p, ceph, ...) is taken to hang at times. */
const LOCAL = new Set(
	'bcachefs btrfs devtmpfs erofs exfat ext2 ext3 ext4 f2fs hfsplus iso9660 jfs minix nilfs2 ntfs3 overlay ramfs reiserfs rootfs squashfs tmpfs udf ufs vfat xfs zfs'.split(
		' ',
	),
)
/** As the kernel has it. */
const SYMLINKS_MAX = 40

export interface Mount {
	mountPoint: string
	type: string
	source: string
	/** The filesystem's number, the same wherever it is mounted. */
	device: string
	/** Of the filesystem, whoever mounted it how. */
	options: readonly string[]
}

export function isRemote(path: string): boolean {
	return isRemoteAmong(mounts(), path)
}

/** The kernel's table: see proc_pid_mountinfo(5). A later line is mounted over an earlier one. Reading it touches no filesystem. */
export function mounts(mountinfo: string = readFileSync('/proc/self/mountinfo', 'utf8')): Mount[] {
	return mountinfo
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => {
			const [before, after] = line.split(' - ')
			const [type, source, options = ''] = after.split(' ')
			const [, , device, , mountPoint] = before.split(' ')
			return { mountPoint: plain(mountPoint), type, source: plain(source), device, options: options.split(',') }
		})
}

/** Follows the symlinks in the path for as long as it is on something local. */
export function isRemoteAmong(table: Mount[], path: string): boolean {
	let rest = resolve(path).split('/').slice(1)
	let here = '/'
	for (let links = 0; ; ) {
		if (!LOCAL.has(typeAt(table, here))) return true
		const name = rest.shift()
		if (name === undefined) return false
		const next = join(here, name)
		const target = LOCAL.has(typeAt(table, next)) ? linkTarget(next) : undefined
		if (target === undefined) {
			here = next
			continue
		}
		if (++links > SYMLINKS_MAX) fail('ELOOP', `${path}: too many symlinks`)
		rest = [...resolve(dirname(next), target).split('/').slice(1), ...rest]
		here = '/'
	}
}

function typeAt(table: Mount[], path: string): string {
	let best = { mountPoint: '', type: 'rootfs' }
	for (const mount of table) {
		if (isWithin(path, mount.mountPoint) && mount.mountPoint.length >= best.mountPoint.length) best = mount
	}
	return best.type
}

function isWithin(path: string, point: string): boolean {
	return point === '/' || path === point || path.startsWith(`${point}/`)
}

function linkTarget(path: string): string | undefined {
	try {
		return readlinkSync(path)
	} catch (error) {
		if (['EINVAL', 'ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error))) return undefined
		throw error
	}
}

/** Blanks and the like stand in the table as three octal digits. */
function plain(text: string): string {
	return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
