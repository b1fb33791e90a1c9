/** Whether a copy may go: as many others as the class asks for, in its zones. */
import type { ClassRow } from '../../core/catalogue/classes.ts'
import type { Node } from '../../core/nodes/node.ts'

/** Nodes whose copies are there to stay. */
export function isToStay({ row }: Node): boolean {
	return row.state === 'rw' || row.state === 'nc' || row.state === 'ro'
}

/** Fewer zones than the class asks for are no reason to keep a copy that adds none. */
export function isEnough(rule: Pick<ClassRow, 'copies' | 'zones'>, others: readonly Node[], own: Node): boolean {
	const zones = new Set(others.map((node) => node.row.zone))
	return others.length >= rule.copies && others.length > 0 && (zones.size >= rule.zones || zones.has(own.row.zone))
}
