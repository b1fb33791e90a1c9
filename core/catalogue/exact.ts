/** One number in a table that is not exact here, and no question that touches its row is answered any more. */
import { Errno } from '../errors.ts'

export function refuseInexact(value: number): void {
	if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new Errno('EOVERFLOW', `${value}: the catalogue keeps no number as large`)
}
