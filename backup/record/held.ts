/** A line of the record: a file the folder has, as it was when it was last read whole and found right. */
export interface Held {
	/** Of the archive; bytes, each a character. */
	path: string
	/** The server's number for it. */
	id: number
	version: number
	size: number
	/** SHA-256, hex. */
	hash: string
	/** When it was last read whole, in milliseconds since 1970. */
	seenMs: number
	/** It is no longer here. */
	gone?: true
}

/** A path that is no text is told in hex, so that the record stays text one can read. */
export function lineOf({ path, ...rest }: Held): string {
	const bytes = Buffer.from(path, 'latin1')
	const text = bytes.toString()
	const name = Buffer.from(text).equals(bytes) ? { path: text } : { hex: bytes.toString('hex') }
	return `${JSON.stringify({ ...name, ...rest })}\n`
}

/** Undefined for a line that was cut off, or damaged: what it said is found again by reading the folder. */
export function heldOf(line: string): Held | undefined {
	try {
		const { path, hex, ...rest } = JSON.parse(line) as Omit<Held, 'path'> & { path?: string; hex?: string }
		const bytes = path === undefined ? Buffer.from(hex as string, 'hex') : Buffer.from(path)
		if (typeof rest.size !== 'number' || typeof rest.hash !== 'string') return undefined
		return { path: bytes.toString('latin1'), ...rest }
	} catch {
		return undefined
	}
}
