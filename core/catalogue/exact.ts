/** One number in a table that is not exact here, and no question that touches its row is answered any more. */
import { Errno } from '../errors.ts'

/** What a column of whole numbers takes; past that both databases keep a double, or refuse it themselves. */
const WHOLE_MAX = 2 ** 63

export function refuseInexact(value: number): void {
	const isWhole = Number.isInteger(value) && Math.abs(value) <= WHOLE_MAX
	if (isWhole && !Number.isSafeInteger(value)) throw new Errno('EOVERFLOW', `${value}: the catalogue keeps no number as large`)
}
