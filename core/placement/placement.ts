/** Which class a path falls under, which node gets the first copy, which the others. */
import { type ClassRow, isRetired } from '../catalogue/classes.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import { originalPath } from '../filesystem/trash-paths.ts'
import type { NodeId, Path } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { inService } from '../nodes/service.ts'
import { POLICIES } from './policies.ts'
import { freeBytes } from './room.ts'

const RESERVE_BYTES_MAX = 1024 ** 3
const RESERVE_SHARE = 0.02

/** The rule of a path: the first class whose pattern matches, else the last that is configured. In the trash it is that of before. */
export function classOf(fs: Pick<Filesystem, 'classes'>, path: Path): ClassRow {
	if (fs.classes.length === 1) return fs.classes[0]
	const text = textOf(path)
	return fs.classes.find((rule) => rule.matches(text)) ?? defaultClass(fs)
}

/** Whether it is by its pattern that the path falls under it. */
export function fits(rule: ClassRow, path: Path): boolean {
	return rule.matches(textOf(path))
}

/** What patterns are asked of. */
function textOf(path: Path): string {
	return (originalPath(path) ?? path).toString('latin1')
}

export function defaultClass({ classes }: Pick<Filesystem, 'classes'>): ClassRow {
	return classes.findLast((rule) => !isRetired(rule)) ?? classes[classes.length - 1]
}

export function classById(fs: Pick<Filesystem, 'classes'>, id: number): ClassRow {
	return fs.classes.find((rule) => rule.id === id) ?? defaultClass(fs)
}

/** Bytes a node keeps free. */
export function reserveBytes({ row, space }: { row: Pick<Node['row'], 'reserve'>; space: Pick<Node['space'], 'capacity'> }): number {
	return row.reserve >= 0 ? row.reserve : Math.min(RESERVE_BYTES_MAX, Math.floor(space.capacity * RESERVE_SHARE))
}

export function takesNewFiles(node: Node): boolean {
	return node.row.state === 'rw' && inService(node)
}

/** Nodes for the first copy of a new file, best first; those with less than their reserve free come last, as a last resort before ENOSPC. */
export function nodesForNewFile(fs: Filesystem, rule: ClassRow, hasParent: (node: Node) => boolean = () => false): Node[] {
	const nodes = [...fs.nodes.values()].filter(takesNewFiles)
	const roomy = nodes.filter((node) => freeBytes(node) > reserveBytes(node))
	const choose = POLICIES[rule.policy] ?? POLICIES['most-free']
	const order = (list: Node[]) => choose({ nodes: list, zone: fs.config.zone, zonesTaken: new Set(), hasParent, random: fs.random })
	if (roomy.length === nodes.length) return order(nodes)
	return [...order(roomy), ...order(nodes.filter((node) => !roomy.includes(node)))]
}

/** Nodes for further copies, so that `holders` and they together are what the class asks for. Holders that are being emptied or are dead do not count. */
export function nodesForCopies(fs: Filesystem, rule: ClassRow, holders: readonly NodeId[], sizeBytes: number): Node[] {
	const lasting = lastingOf(fs, holders)
	const missing = rule.copies - lasting.length
	if (missing <= 0) return []
	const taken = new Set(lasting.map((node) => node.row.zone))
	const candidates = [...fs.nodes.values()].filter(
		(node) => node.row.state === 'rw' && !holders.includes(node.id) && freeBytes(node) - sizeBytes > reserveBytes(node),
	)
	return chooseSpread(fs, rule, candidates, taken, missing)
}

/** Whether the class asks for more copies than these, of a file of whatever size. */
export function wantsCopies(fs: Filesystem, rule: ClassRow, holders: readonly NodeId[]): boolean {
	return rule.copies > lastingOf(fs, holders).length
}

/** The class asks for more copies than these, and there is a node for one that has no room now. */
export function mayTakeLater(fs: Filesystem, rule: ClassRow, holders: readonly NodeId[]): boolean {
	return wantsCopies(fs, rule, holders) && [...fs.nodes.values()].some(({ id, row }) => row.state === 'rw' && !holders.includes(id))
}

function lastingOf(fs: Filesystem, holders: readonly NodeId[]): Node[] {
	return holders.flatMap((id) => fs.nodes.get(id) ?? []).filter((node) => node.row.state !== 'drain')
}

/** One at a time, because each choice changes which zones are taken. */
function chooseSpread(fs: Filesystem, rule: ClassRow, candidates: Node[], zonesTaken: Set<string>, count: number): Node[] {
	const chosen: Node[] = []
	while (chosen.length < count && candidates.length > chosen.length) {
		const policy = zonesTaken.size < rule.zones ? 'zone-spread' : rule.policy
		const nodes = candidates.filter((node) => !chosen.includes(node))
		const [best] = (POLICIES[policy] ?? POLICIES['most-free'])({ nodes, zone: fs.config.zone, zonesTaken, hasParent: () => false, random: fs.random })
		chosen.push(best)
		zonesTaken.add(best.row.zone)
	}
	return chosen
}
