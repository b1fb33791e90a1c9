/**
 * Reading a node over SFTP, where it is not mounted: one connection for all files, many pieces of each asked for at once, and
 * a file goes on where it was when the connection was lost.
 */
import type { SFTPWrapper, Stats } from 'ssh2'
import type { SftpConfig } from '../config/types.ts'
import { codeOf, fail } from '../errors.ts'
import type { Path } from '../ids.ts'
import { parse } from './identity.ts'
import type { NodeOperations, Stat } from './node.ts'
import { type Ahead, aheadOf } from './sftp-ahead.ts'
import { call } from './sftp-call.ts'
import { openSession, type Session } from './sftp-session.ts'

export interface SftpReach {
	operations: Pick<NodeOperations, 'open' | 'close' | 'fstat' | 'read'>
	end(): Promise<void>
}

interface OpenFile {
	path: Path
	sftp: SFTPWrapper
	handle: Buffer
	ahead: Ahead
	stat: Stat
}

/** A file is opened anew so often before it is given up. */
const ATTEMPTS_MAX = 3
const BLOCK_BYTES = 512
const S_IFMT = 0o170000
const S_IFREG = 0o100000
export function connectSftp(node: { name: string; uuid: string }, config: SftpConfig): SftpReach {
	const session = openSession(node.name, config)
	const files = new Map<number, OpenFile>()
	let lastFd = 0
	let checked: { sftp: SFTPWrapper; root: Promise<string> } | undefined

	/** The root as the server sees it, without a slash at its end, once it is known to be this node. */
	function rootOn(sftp: SFTPWrapper): Promise<string> {
		if (checked?.sftp !== sftp) checked = { sftp, root: identify(sftp, node, config) }
		return checked.root
	}

	async function openFile(path: Path): Promise<OpenFile> {
		const sftp = await session.get()
		try {
			const root = await rootOn(sftp)
			const real = `${root}/${textOf(path)}`
			// The server follows symlinks wherever they lead; a file is where its path says.
			if ((await call<string>(sftp, (done) => sftp.realpath(real, done))) !== real) fail('ELOOP', 'a symlink stands in the way')
			const handle = await call<Buffer>(sftp, (done) => sftp.open(real, 'r', done))
			const stat = toStat(await call<Stats>(sftp, (done) => sftp.fstat(handle, done)))
			if ((stat.mode & S_IFMT) !== S_IFREG) fail('EINVAL', 'not a regular file')
			return { path, sftp, handle, stat, ahead: aheadOf(sftp, handle, stat.size) }
		} catch (error) {
			giveUpIfLost(session, sftp, error)
			throw error
		}
	}

	/** The connection was lost: on a new one, if the file is as it was. */
	async function again(file: OpenFile): Promise<void> {
		const next = await openFile(file.path)
		const { size, mtime } = file.stat
		if (next.stat.size !== size || next.stat.mtime !== mtime) fail('EAGAIN', 'it changed while it was copied')
		Object.assign(file, next)
	}

	function of(fd: number): OpenFile {
		return files.get(fd) ?? fail('EBADF')
	}

	async function persist<T>(file: OpenFile, work: () => Promise<T>): Promise<T> {
		for (let attempt = 1; ; attempt++) {
			try {
				return await work()
			} catch (error) {
				giveUpIfLost(session, file.sftp, error)
				if (codeOf(error) !== 'ENOTCONN' || attempt === ATTEMPTS_MAX) throw error
				await again(file)
			}
		}
	}

	return {
		operations: {
			async open(path) {
				const file = await openFile(path)
				files.set(++lastFd, file)
				return lastFd
			},
			async close(fd) {
				const file = of(fd)
				files.delete(fd)
				// On a connection that is gone it is closed already.
				await call<void>(file.sftp, (done) => file.sftp.close(file.handle, done)).catch(() => undefined)
			},
			fstat: (fd) => persist(of(fd), async () => toStat(await call<Stats>(of(fd).sftp, (done) => of(fd).sftp.fstat(of(fd).handle, done)))),
			read: (fd, buffer, position) => persist(of(fd), () => of(fd).ahead.read(buffer, position)),
		},
		end: () => session.end(),
	}
}

async function identify(sftp: SFTPWrapper, { name, uuid }: { name: string; uuid: string }, config: SftpConfig): Promise<string> {
	const root = await call<string>(sftp, (done) => sftp.realpath(config.path, done))
	const text = await call<Buffer>(sftp, (done) => sftp.readFile(`${root}/.cairn/node.json`, done)).catch((error: Error) =>
		fail('ENODEV', `${config.host}: ${config.path}/.cairn/node.json cannot be read: ${error.message}`),
	)
	if (parse(text.toString())?.uuid !== uuid) fail('ESTALE', `${config.host}: ${config.path} is not the node ${name}`)
	// All of what the server shows, where a key is shut in.
	return root === '/' ? '' : root
}

function giveUpIfLost(session: Session, sftp: SFTPWrapper, error: unknown): void {
	if (codeOf(error) === 'ENOTCONN') session.lost(sftp)
}

/** The protocol's paths are text. */
function textOf(path: Path): string {
	const text = path.toString()
	if (!Buffer.from(text).equals(path)) fail('EILSEQ', 'a name that is not UTF-8 cannot be asked for over SFTP')
	return text
}

/** Seconds only, and neither inode nor blocks: the protocol has no more. */
function toStat({ mode, uid, gid, size, atime, mtime }: Stats): Stat {
	const blocks = Math.ceil(size / BLOCK_BYTES)
	return {
		mode,
		uid,
		gid,
		size,
		blocks,
		nlink: 1,
		rdev: 0,
		ino: 0,
		dev: 0,
		atime,
		atimeNs: 0,
		mtime,
		mtimeNs: 0,
		ctime: 0,
		ctimeNs: 0,
	}
}
