/**
 * A real disk that stops taking writes: ext4 on a loop device over memory. Sealed, that memory refuses every write, and the
 * kernel has an I/O error to tell whoever syncs; what is on the disk can still be read, as with a disk whose spares are used up.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import koffi from 'koffi'
import { detach } from '../support/mount.ts'

export interface FailingDisk {
	/** From now on nothing that is written gets there. */
	fail(): void
	/** Unmounts it; nothing of it is left. */
	end(): void
}

const library = koffi.load('libc.so.6')
const memfdCreate = library.func('int memfd_create(const char *name, unsigned int flags)')
const fcntl = library.func('int fcntl(int fd, int command, ...)')
const ftruncate = library.func('int ftruncate(int fd, int64_t length)')

const MFD_CLOEXEC = 1
const MFD_ALLOW_SEALING = 2
const F_ADD_SEALS = 1033
const F_SEAL_WRITE = 8
const MEGABYTE = 1024 * 1024

export function mountFailingDisk(mountPoint: string, megabytes = 64): FailingDisk {
	const fd = memfdCreate('disk', MFD_CLOEXEC | MFD_ALLOW_SEALING) as number
	check(fd, 'memfd_create')
	check(ftruncate(fd, megabytes * MEGABYTE), 'ftruncate')
	const image = `/proc/${process.pid}/fd/${fd}`
	// Without a journal: one that cannot be written would take the whole filesystem down at once.
	execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', '-N', '512', '-O', '^has_journal', image])
	const loop = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim()
	mkdirSync(mountPoint, { recursive: true })
	execFileSync('mount', [loop, mountPoint])
	// It goes with its last user.
	execFileSync('losetup', ['-d', loop])
	const end = () => {
		process.off('exit', end)
		detach(mountPoint)
		closeSync(fd)
	}
	process.on('exit', end)
	return {
		fail() {
			// What waits to be written now belongs to the time before.
			execFileSync('sync', ['-f', mountPoint])
			check(fcntl(fd, F_ADD_SEALS, 'int', F_SEAL_WRITE), 'F_ADD_SEALS')
		},
		end,
	}
}

function check(answer: number, what: string): void {
	if (answer < 0) throw new Error(`${what}: errno ${koffi.errno()}`)
}

/** A disk that has room and takes no more files: what looks at its free bytes learns nothing of that. */
export function useUpInodes(mountPoint: string): void {
	mkdirSync(join(mountPoint, '.cairn/used-up'))
	for (let number = 0; statfsSync(mountPoint).ffree > 0; number++) writeFileSync(join(mountPoint, `.cairn/used-up/${number}`), '')
}
