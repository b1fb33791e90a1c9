/** `Range: bytes=0-99,-10` (RFC 9110, 14). */
export interface ByteRange {
	/** Inclusive. */
	start: number
	/** Exclusive. */
	end: number
}

/** More of them, or such that overlap much, are a way to make a server work: then all of it is sent. */
const RANGES_MAX = 64
const BYTES = /^\s*bytes\s*=(.*)$/i
const PART = /^\s*(\d*)\s*-\s*(\d*)\s*$/

/** Undefined: all of it, because nothing else was asked for or it cannot be understood. None: nothing of what was asked for is there. */
export function rangesOf(header: string | undefined, size: number): ByteRange[] | undefined {
	const [, parts] = BYTES.exec(header ?? '') ?? []
	if (parts === undefined) return undefined
	const ranges: ByteRange[] = []
	let asked = 0
	for (const part of parts.split(',')) {
		if (part.trim() === '') continue
		if (++asked > RANGES_MAX) return undefined
		const range = rangeOf(part, size)
		if (range === undefined) return undefined
		if (range.start < range.end) ranges.push(range)
	}
	if (asked === 0) return undefined
	const bytes = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
	return ranges.length > 1 && bytes > size ? undefined : ranges
}

/** Empty where it is past the end. */
function rangeOf(part: string, size: number): ByteRange | undefined {
	const [, first, last] = PART.exec(part) ?? []
	if (first === undefined || (first === '' && last === '')) return undefined
	if (first === '') return { start: Math.max(0, size - Number(last)), end: Number(last) === 0 ? 0 : size }
	const start = Number(first)
	const end = last === '' ? size : Number(last) + 1
	if (last !== '' && Number(last) < start) return undefined
	return start >= size ? { start: 0, end: 0 } : { start, end: Math.min(end, size) }
}
