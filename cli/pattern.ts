/** A pattern as shells have them, for names that are bytes. */

/** `*`, `?` and `[...]`; of the whole name, given as latin1. */
export function pattern(glob: string): RegExp {
	const bytes = Buffer.from(glob).toString('latin1')
	const text = bytes.replace(/\[!?[^\]]+\]|[\s\S]/g, (part) => {
		if (part === '*') return '[\\s\\S]*'
		if (part === '?') return '[\\s\\S]'
		if (part.length > 1) return `[${part.startsWith('[!') ? '^' : ''}${part.replace(/^\[!?|\]$/g, '').replace(/[\\^\]]/g, '\\$&')}]`
		return part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
	})
	return new RegExp(`^${text}$`)
}
