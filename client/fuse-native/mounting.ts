/** Mounting through the package, noticing the end, and unmounting. */
import { execFile } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { promisify } from 'node:util'
import { codeOf, UserError } from '../../core/errors.ts'
import { EXIT } from '../../core/exit-codes.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Attached, MountOptions } from '../driver.ts'
import { attributeCallbacks } from './attributes.ts'
import type { Callbacks, Library, LibraryMount } from './library.ts'
import { nameCallbacks } from './names.ts'
import { openFileCallbacks } from './open-files.ts'
import { createPortable } from './portable.ts'
import { repair, withoutShell } from './repairs.ts'

const FUSE_DEVICE = '/dev/fuse'
const LOOK_MS = 100
/** Of the words mount(8) knows, those libfuse 2 accepts. */
const KERNEL_WORDS: ReadonlySet<string> = new Set(['noexec', 'noatime', 'sync', 'dirsync'])

export async function mountWith(library: Library, fs: Filesystem, options: MountOptions): Promise<Attached> {
	// libfuse 2 mounts, and fails then.
	if (options.kernelOptions.includes('nosymfollow')) throw new UserError("the driver fuse-native knows no 'nosymfollow'", EXIT.notStarted)
	const portable = createPortable(fs)
	fs.onChange = portable.paths.follow
	const callbacks: Callbacks = { ...attributeCallbacks(portable), ...nameCallbacks(portable), ...openFileCallbacks(portable) }
	const mount = repair(new (withoutShell(library))(options.mountPoint, callbacks, { timeout: false }), callbacks, optionText(options))
	const before = fuseDescriptors()
	await new Promise<void>((resolve, reject) => {
		mount.mount((error) => (error ? reject(notMounted(options, error)) : resolve()))
	})
	const descriptor = fuseDescriptors().find((fd) => !before.includes(fd))
	const ended = closing(descriptor).then(() => letGo(mount))
	return { ended, detach: () => unmount(options.mountPoint) }
}

/**
 * Nothing is kept by the kernel beyond a call: through this package it cannot be told what another client changed.
 * `use_ino`: inode numbers are the files' ids, so that hard links are seen to be the same file.
 */
function optionText({ fsname, readOnly, allowOther, kernelOptions }: MountOptions): string {
	return [
		`fsname=${fsname.replaceAll(',', '\\,')}`, 'subtype=cairn', 'nosuid', 'nodev', 'default_permissions', readOnly ? 'ro' : 'rw',
		...(allowOther ? ['allow_other'] : []), ...kernelOptions.filter((word) => KERNEL_WORDS.has(word)),
		'use_ino', 'big_writes', 'entry_timeout=0', 'attr_timeout=0',
	].join(',')
}

function notMounted({ mountPoint }: MountOptions, error: Error): UserError {
	return new UserError(`cannot mount on ${mountPoint}: ${error.message}`, EXIT.notStarted)
}

function fuseDescriptors(): string[] {
	return readdirSync('/proc/self/fd').filter((fd) => leadsTo(fd) === FUSE_DEVICE)
}

function leadsTo(fd: string): string | undefined {
	try {
		return readlinkSync(`/proc/self/fd/${fd}`)
	} catch (error) {
		if (codeOf(error) === 'ENOENT') return undefined
		throw error
	}
}

/** The package says nothing when the mount is gone. libfuse closes its descriptor then, however that came about. */
function closing(descriptor: string | undefined): Promise<void> {
	return new Promise((resolve) => {
		const looking = setInterval(() => {
			if (descriptor !== undefined && leadsTo(descriptor) === FUSE_DEVICE) return
			clearInterval(looking)
			resolve()
		}, LOOK_MS)
	})
}

function letGo(mount: LibraryMount): Promise<void> {
	return new Promise((resolve, reject) => mount.unmount((error) => (error ? reject(error) : resolve())))
}

/** In a process of its own: the kernel may want dirty pages of a mapping written by this one before it lets go. */
async function unmount(mountPoint: string): Promise<void> {
	const fusermount = (...words: string[]) => promisify(execFile)('fusermount3', [...words, '-q', '--', mountPoint])
	await fusermount('-u').catch(() => fusermount('-u', '-z'))
}
