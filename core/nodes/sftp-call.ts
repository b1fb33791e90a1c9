/** The protocol's answers as promises, its errors as ours. */
import type { SFTPWrapper } from 'ssh2'
import { Errno } from '../errors.ts'

/** By the protocol's numbers; what is not there has to do with the connection. */
const STATUS: Record<number, string> = { 2: 'ENOENT', 3: 'EACCES', 4: 'EIO', 8: 'EOPNOTSUPP' }
/** A host that answers nothing of what it was asked for so long. Its disk may hang while the host itself says that it is there. */
const SILENT_MS = 30_000

interface Insides {
	/** False once the other side has ended. */
	readable?: boolean
	outgoing?: { state: string }
}

/** What was asked on a connection and is not answered yet. */
interface Line {
	giveUps: Set<(error: Errno) => void>
	silence?: NodeJS.Timeout
}

const lines = new WeakMap<SFTPWrapper, Line>()

/** What is asked then the library drops, and never answers. */
function isOver(sftp: SFTPWrapper): boolean {
	const { readable = true, outgoing = { state: 'open' } } = sftp as unknown as Insides
	return !readable || outgoing.state !== 'open'
}

/** The answer, or an Errno. */
export function call<T>(sftp: SFTPWrapper, ask: (done: (error: Error | undefined | null, value?: T) => void) => unknown): Promise<T> {
	return new Promise((resolve, reject) => {
		if (isOver(sftp)) return reject(new Errno('ENOTCONN', 'the connection was lost'))
		const answered = expect(sftp, reject)
		try {
			ask((error, value) => {
				answered()
				if (error) reject(toErrno(error))
				else resolve(value as T)
			})
		} catch (error) {
			answered()
			reject(toErrno(error as Error))
		}
	})
}

/** Until it is answered. Any answer shows that those before it may still come: over a slow line one of many takes long. */
function expect(sftp: SFTPWrapper, giveUp: (error: Errno) => void): () => void {
	const line: Line = lines.get(sftp) ?? { giveUps: new Set() }
	lines.set(sftp, line)
	line.giveUps.add(giveUp)
	line.silence ??= setTimeout(() => giveUpAll(line), SILENT_MS)
	return () => {
		line.giveUps.delete(giveUp)
		if (line.giveUps.size > 0) return void line.silence?.refresh()
		clearTimeout(line.silence)
		line.silence = undefined
	}
}

function giveUpAll(line: Line): void {
	line.silence = undefined
	for (const giveUp of line.giveUps) giveUp(new Errno('ENOTCONN', `no answer within ${SILENT_MS / 1_000} s`))
	line.giveUps.clear()
}

function toErrno(error: Error): Errno {
	if (error instanceof Errno) return error
	const status = (error as { code?: unknown }).code
	const code = typeof status === 'number' ? STATUS[status] : undefined
	return new Errno(code ?? 'ENOTCONN', code ? code : `the connection was lost: ${error.message}`)
}
