/**
 * `xyz`: copies in other data centres, in other racks, on other servers of the rack. How many copies there are is what the
 * class of the path says; here a class is put into their words, and a wish compared with it.
 */
import type { ClassRow } from '../../core/catalogue/classes.ts'

export interface Replication {
	copies: number
	/** Zones they are to be spread over. */
	zones: number
}

const DIGIT_MAX = 9

/** Undefined: it is none. They take the last three characters of what is shorter as if zeros stood before it. */
export function parseReplication(text: string): Replication | undefined {
	if (!/^\d{1,3}$/.test(text)) return undefined
	const [centres, racks, servers] = [...text.padStart(3, '0')].map(Number)
	return { copies: 1 + centres + racks + servers, zones: 1 + centres + racks }
}

type Rule = Pick<ClassRow, 'copies' | 'zones'>

export function replicationOf({ copies, zones }: Rule): string {
	const spread = Math.min(zones, copies) - 1
	return [Math.min(DIGIT_MAX, spread), 0, Math.min(DIGIT_MAX, copies - 1 - spread)].join('')
}

export function satisfies({ copies, zones }: Rule, wish: Replication): boolean {
	return copies >= wish.copies && zones >= wish.zones
}
