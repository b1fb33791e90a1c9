/** The protocol's answers as promises, its errors as ours. */
import type { SFTPWrapper } from 'ssh2'
import { Errno } from '../errors.ts'

/** By the protocol's numbers; what is not there has to do with the connection. */
const STATUS: Record<number, string> = { 2: 'ENOENT', 3: 'EACCES', 4: 'EIO', 8: 'EOPNOTSUPP' }

interface Insides {
	/** False once the other side has ended. */
	readable?: boolean
	outgoing?: { state: string }
}

/** What is asked then the library drops, and never answers. */
function isOver(sftp: SFTPWrapper): boolean {
	const { readable = true, outgoing = { state: 'open' } } = sftp as unknown as Insides
	return !readable || outgoing.state !== 'open'
}

/** The answer, or an Errno. */
export function call<T>(sftp: SFTPWrapper, ask: (done: (error: Error | undefined | null, value?: T) => void) => unknown): Promise<T> {
	return new Promise((resolve, reject) => {
		if (isOver(sftp)) return reject(new Errno('ENOTCONN', 'the connection was lost'))
		try {
			ask((error, value) => (error ? reject(toErrno(error)) : resolve(value as T)))
		} catch (error) {
			reject(toErrno(error as Error))
		}
	})
}

function toErrno(error: Error): Errno {
	if (error instanceof Errno) return error
	const status = (error as { code?: unknown }).code
	const code = typeof status === 'number' ? STATUS[status] : undefined
	return new Errno(code ?? 'ENOTCONN', code ? code : `the connection was lost: ${error.message}`)
}
