/** What the transport asks of the kernel beside reading and writing. */
import { libc } from '../../core/libc.ts'

export const mount = libc<[source: Buffer, target: Buffer, type: Buffer, flags: number, data: Buffer]>(
	'int mount(const void *source, const void *target, const void *type, unsigned long flags, const void *data)',
)
export const umount2 = libc<[target: Buffer, flags: number]>('int umount2(const void *target, int flags)')
export const poll = libc<[fds: Uint8Array, count: number, timeoutMs: number]>('int poll(void *fds, unsigned long count, int timeoutMs)')
export const yieldProcessor = libc<[]>('int sched_yield()')
/** Of the calling thread, for a pid of 0; a bit for each processor. */
export const getAffinity = libc<[pid: number, bytes: number, mask: Uint8Array]>('int sched_getaffinity(int pid, unsigned long bytes, void *mask)')
export const setAffinity = libc<[pid: number, bytes: number, mask: Uint8Array]>('int sched_setaffinity(int pid, unsigned long bytes, void *mask)')
export const getScheduler = libc<[thread: number]>('int sched_getscheduler(int thread)')
export const setScheduler = libc<[thread: number, policy: number, parameters: Uint8Array]>('int sched_setscheduler(int thread, int policy, const void *parameters)')
export const getPriority = libc<[which: number, thread: number]>('int getpriority(int which, unsigned int thread)')
export const setPriority = libc<[which: number, thread: number, nice: number]>('int setpriority(int which, unsigned int thread, int nice)')
export const ownProcessor = libc<[]>('int sched_getcpu()')
export const ioctl = libc<[fd: number, request: number, argument: Uint8Array]>('int ioctl(int fd, unsigned long request, void *argument)')

export const MS = { RDONLY: 1, NOSUID: 2, NODEV: 4, NOEXEC: 8, SYNCHRONOUS: 16, DIRSYNC: 128, NOSYMFOLLOW: 256, NOATIME: 1024, NODIRATIME: 2048 } as const
export const SCHED = { OTHER: 0, IDLE: 5 } as const
export const PRIO_PROCESS = 0
const POLLIN = 1

export function cString(text: string): Buffer {
	return Buffer.from(`${text}\0`)
}

/** struct pollfd for one descriptor that is waited on for reading. */
export function pollDescriptor(fd: number): Buffer {
	const bytes = Buffer.alloc(8)
	bytes.writeInt32LE(fd, 0)
	bytes.writeInt16LE(POLLIN, 4)
	return bytes
}
