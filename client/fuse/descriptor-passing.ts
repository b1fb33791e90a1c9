/** A descriptor that arrives over a socket (SCM_RIGHTS), as fusermount3 sends it. */
import { UserError } from '../../core/errors.ts'
import { errno, errnoName, libc, uninterrupted } from '../../core/libc.ts'
import koffi from 'koffi'

const AF_UNIX = 1
const SOCK_STREAM = 1
const F_SETFL = 4
const O_NONBLOCK = 0o4000
const CONTROL_BYTES = 64
/** A cmsghdr (length, level, type) comes before the descriptor. */
const CONTROL_DATA_AT = 16

const socketpair = libc<[domain: number, type: number, protocol: number, into: Uint8Array]>('int socketpair(int domain, int type, int protocol, void *into)')
const fcntl = libc<[fd: number, command: number, argument: number]>('int fcntl(int fd, int command, int argument)')

koffi.struct('received_part', { base: 'void *', length: 'size_t' })
koffi.struct('received_message', {
	name: 'void *', nameLength: 'uint32_t', parts: 'received_part *', partCount: 'size_t', control: 'void *', controlLength: 'size_t', flags: 'int',
})
interface Message {
	name: null
	nameLength: number
	parts: { base: Uint8Array; length: number }
	partCount: number
	control: Uint8Array
	controlLength: number
	flags: number
}
const recvmsg = libc<[fd: number, message: Message, flags: number]>('int64_t recvmsg(int fd, received_message *message, int flags)')

export function socketPair(): [number, number] {
	const pair = Buffer.alloc(8)
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) !== 0) throw new UserError(`socketpair: ${errnoName(errno())}`, 1)
	return [pair.readInt32LE(0), pair.readInt32LE(4)]
}

export function receiveDescriptor(socket: number): number {
	const byte = Buffer.alloc(1)
	const control = Buffer.alloc(CONTROL_BYTES)
	const message: Message = { name: null, nameLength: 0, parts: { base: byte, length: 1 }, partCount: 1, control, controlLength: CONTROL_BYTES, flags: 0 }
	const received = uninterrupted(() => recvmsg(socket, message, 0))
	const fd = control.readInt32LE(CONTROL_DATA_AT)
	if (received < 1 || fd <= 0) throw new UserError('fusermount3 sent no descriptor', 1)
	fcntl(fd, F_SETFL, O_NONBLOCK)
	return fd
}
