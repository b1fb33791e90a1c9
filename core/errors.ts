/**
 * The one error vocabulary: an error carries an errno name. It becomes a number only at the FUSE edge and a status only at
 * the HTTP edge.
 */
export class Errno extends Error {
	readonly code: string

	constructor(code: string, message: string = code) {
		super(message)
		this.code = code
	}
}

/** The catalogue is away, or does not do what it was asked: nothing the file or the node could help. */
export class CatalogueError extends Errno {}

/** What a change took for granted is not so, or no longer: nothing was changed, and who asks first will see. */
export class Overtaken extends Errno {
	constructor() {
		super('EAGAIN', 'what a change took for granted is not so')
	}
}

export interface OpenChange {
	/** Whether it was made, once that can be told, however long it takes. Fails when the catalogue was closed before. */
	outcome: Promise<boolean>
	transaction: object
	/** What the transaction's body came to. */
	value: unknown
}

/** The COMMIT of a change was sent and not answered in time: it may have been made. */
export class Undecided extends CatalogueError {
	readonly open: OpenChange

	constructor(message: string, open: OpenChange) {
		super('EIO', message)
		this.open = open
		// Whoever does not ask need not hear that nobody knows.
		open.outcome.catch(() => undefined)
	}
}

export function fail(code: string, message?: string): never {
	throw new Errno(code, message)
}

/** The errno name an error carries, or EIO for anything that is not ours. */
export function codeOf(error: unknown): string {
	const code = (error as { code?: unknown } | null)?.code
	return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : 'EIO'
}

/** They speak of a node; to who asked they would say that the mount itself is gone. */
const OF_A_NODE = new Set(['ENOTCONN', 'ENODEV', 'ECONNABORTED', 'ECONNRESET', 'ESHUTDOWN', 'EHOSTDOWN', 'EREMOTEIO'])

/** What the kernel is told of an error. */
export function toldCode(error: unknown): string {
	const code = codeOf(error)
	return OF_A_NODE.has(code) ? 'EIO' : code
}

/** This process, or the whole machine, is short of them: that speaks of no node and of no file. */
const SHORT_OF = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

export function isShortage(error: unknown): boolean {
	return SHORT_OF.has(codeOf(error))
}

/** A mistake of the person at the keyboard (configuration, arguments, state of the machine): one line, one exit code. */
export class UserError extends Error {
	readonly exitCode: number

	constructor(message: string, exitCode: number) {
		super(message)
		this.exitCode = exitCode
	}
}
