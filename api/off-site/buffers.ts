/**
 * Memory for bytes on their way to sites: a few large pieces that all streams use again and again, because memory that is taken anew for
 * each of them is given back only when somebody collects it. Whoever finds none left takes small ones.
 */
import type { Pair } from '../../core/off-site/content.ts'

const LARGE_BYTES = 512 * 1024
const LARGE_MAX = 16
const SMALL_BYTES = 64 * 1024

const free: Buffer[] = []
let made = 0

/** For as long as `use` takes. Nothing may read from them afterwards. */
export async function withPair<T>(use: (pair: Pair) => Promise<T>): Promise<T> {
	const pair: Pair = [take(), take()]
	try {
		return await use(pair)
	} finally {
		free.push(...pair.filter(({ length }) => length === LARGE_BYTES))
	}
}

function take(): Buffer {
	const known = free.pop()
	if (known) return known
	if (made === LARGE_MAX) return Buffer.allocUnsafeSlow(SMALL_BYTES)
	made++
	return Buffer.allocUnsafeSlow(LARGE_BYTES)
}
