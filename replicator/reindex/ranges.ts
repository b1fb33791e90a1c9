/** Ranges of ids: above `after`, up to and with `to`. */
export interface Range {
	after: number
	to: number
}

export const EVERYTHING: Range = { after: 0, to: Number.MAX_SAFE_INTEGER }

export function contains(ranges: readonly Range[], id: number): boolean {
	return ranges.some(({ after, to }) => id > after && id <= to)
}

export function intersection(a: readonly Range[], b: readonly Range[]): Range[] {
	return a.flatMap((one) => b.flatMap((other) => {
		const range = { after: Math.max(one.after, other.after), to: Math.min(one.to, other.to) }
		return range.after < range.to ? [range] : []
	}))
}

/** What of `whole` is in none of `parts`. */
export function without(whole: readonly Range[], parts: readonly Range[]): Range[] {
	let rest = [...whole]
	for (const part of parts) {
		const outside = [{ after: -1, to: part.after }, { after: part.to, to: Number.MAX_SAFE_INTEGER }]
		rest = intersection(rest, outside)
	}
	return rest
}

/** Neighbours become one. */
export function joined(ranges: readonly Range[]): Range[] {
	const result: Range[] = []
	for (const range of ranges.toSorted((a, b) => a.after - b.after)) {
		const last = result[result.length - 1]
		if (last && range.after <= last.to) last.to = Math.max(last.to, range.to)
		else result.push({ ...range })
	}
	return result
}
