/** Attaching to a mount point: root does it itself, others through the set-user-id fusermount3. */
import { execFile, spawn } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { UserError } from '../../core/errors.ts'
import { EXIT } from '../../core/exit-codes.ts'
import { detachMount, errno, errnoName } from '../../core/libc.ts'
import { receiveDescriptor, socketPair } from './descriptor-passing.ts'
import { cString, MS, mount, umount2 } from './system-calls.ts'

export interface MountRequest {
	mountPoint: string
	fsname: string
	readOnly: boolean
	allowOther: boolean
	/** Words the kernel or mount(8) understands: noexec, noatime, ... */
	kernelOptions: string[]
}

const FLAGS: Record<string, number> = {
	noexec: MS.NOEXEC, noatime: MS.NOATIME, nodiratime: MS.NODIRATIME, sync: MS.SYNCHRONOUS, dirsync: MS.DIRSYNC, nosymfollow: MS.NOSYMFOLLOW,
}

/** fusermount3 does not know it; without it nothing differs, as reading changes no time here. */
const UNKNOWN_TO_HELPER = 'nodiratime'

/** The descriptor to talk to the kernel through, non-blocking. */
export async function attach(request: MountRequest): Promise<number> {
	return process.getuid?.() === 0 ? attachAsRoot(request) : await attachThroughHelper(request)
}

function attachAsRoot({ mountPoint, fsname, readOnly, allowOther, kernelOptions }: MountRequest): number {
	const fd = openSync('/dev/fuse', constants.O_RDWR | constants.O_NONBLOCK)
	let flags = MS.NOSUID | MS.NODEV | (readOnly ? MS.RDONLY : 0)
	for (const word of kernelOptions) flags |= FLAGS[word] ?? 0
	const data = [`fd=${fd}`, 'rootmode=40000', 'user_id=0', 'group_id=0', 'default_permissions', ...(allowOther ? ['allow_other'] : [])].join(',')
	if (mount(cString(fsname), cString(mountPoint), cString('fuse.cairn'), flags, cString(data)) === 0) return fd
	const code = errnoName(errno())
	closeSync(fd)
	throw new UserError(`cannot mount on ${mountPoint}: ${code}`, EXIT.notStarted)
}

/** fusermount3 mounts and sends the descriptor back over a socket. */
async function attachThroughHelper({ mountPoint, fsname, readOnly, allowOther, kernelOptions }: MountRequest): Promise<number> {
	const [ours, theirs] = socketPair()
	const options = [
		`fsname=${fsname.replaceAll(',', '\\,')}`, 'subtype=cairn', 'nosuid', 'nodev', 'default_permissions', readOnly ? 'ro' : 'rw',
		...(allowOther ? ['allow_other'] : []), ...kernelOptions.filter((word) => word in FLAGS && word !== UNKNOWN_TO_HELPER),
	]
	const helper = spawn('fusermount3', ['-o', options.join(','), '--', mountPoint], {
		stdio: ['ignore', 'ignore', 'pipe', theirs],
		env: { ...process.env, _FUSE_COMMFD: '3' },
	})
	const said: Buffer[] = []
	helper.stderr?.on('data', (chunk: Buffer) => said.push(chunk))
	const code = await new Promise<number | null>((resolve, reject) => {
		helper.once('error', () => reject(new UserError('fusermount3 is missing: install the package fuse3, or mount as root', EXIT.notStarted)))
		helper.once('close', resolve)
	})
	closeSync(theirs)
	try {
		if (code !== 0) throw new UserError(`cannot mount on ${mountPoint}: ${Buffer.concat(said).toString().trim().split('\n')[0]}`, EXIT.notStarted)
		return receiveDescriptor(ours)
	} finally {
		closeSync(ours)
	}
}

/** Lets go of the mount point, lazily when somebody is still in it. */
export async function detach(mountPoint: string): Promise<void> {
	if (process.getuid?.() === 0) {
		const path = cString(mountPoint)
		if (umount2(path, 0) !== 0) await detachMount(path)
		return
	}
	try {
		await promisify(execFile)('fusermount3', ['-u', '-q', '--', mountPoint])
	} catch {
		await promisify(execFile)('fusermount3', ['-u', '-z', '-q', '--', mountPoint])
	}
}
