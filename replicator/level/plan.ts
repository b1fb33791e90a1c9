/**
 * Which nodes should hold a file: what is to be added, and what may go. A pure function of the file, its class, its copies and
 * the nodes, so that whoever asks again after a crash, or in the transaction that acts on it, gets the answer of that moment.
 *
 * Nothing may go before as many good copies as the class asks for are on nodes that can be relied upon. Copies that are on
 * their way do not count for that.
 */
import { REPLICA, type ReplicaRow } from '../../core/catalogue/replicas.ts'
import type { NodeId } from '../../core/ids.ts'
import { fillOf, type LevelNode } from './nodes.ts'

export interface PlannedFile {
	size: number
	version: number
}

/** What a class says of the number of copies. */
export interface Rule {
	copies: number
	zones: number
}

export interface Plan {
	/** Nodes that are to make a copy. */
	add: NodeId[]
	/** Rows that go at once: nothing is there, or the node is gone. */
	drop: NodeId[]
	/** Copies that may be removed. */
	surplus: NodeId[]
	/** Copies that were to go and are needed again. */
	restore: NodeId[]
	/** Copies the class asks for that found no node. */
	missing: number
	/** Something that is to go has to wait for good copies elsewhere. */
	waits: boolean
	/** Nodes could take copies if they had not enough to do already. */
	deferred: boolean
	/** Nodes could take copies if they had room, or had not enough to do already. */
	mayCome: boolean
	/** Fewer zones than the class asks for, also when all is done. */
	fewerZones: boolean
	/** What it waits for is on a node that is away. */
	away: boolean
}

export interface PlanOptions {
	/** More copies are on their way than the class asks for, and are meant to be: one of the others goes when they are there. */
	keepSpare?: boolean
	/** If one of the copies can go, the one on this node. */
	last?: NodeId
}

export const NOTHING: Plan = {
	add: [],
	drop: [],
	surplus: [],
	restore: [],
	missing: 0,
	waits: false,
	deferred: false,
	mayCome: false,
	fewerZones: false,
	away: false,
}

/** The file's copies by what can be done with them. */
interface Holders {
	/** Good, on nodes whose copies count. */
	good: LevelNode[]
	/** To go, but of the file's version, on such nodes. */
	back: LevelNode[]
	/** On their way there. */
	coming: LevelNode[]
	/** Nodes without a copy that take some. */
	free: LevelNode[]
}

export function planFile(
	file: PlannedFile,
	rule: Rule,
	copies: readonly ReplicaRow[],
	nodes: ReadonlyMap<NodeId, LevelNode>,
	options: PlanOptions = {},
): Plan {
	// Being created: it is where it is until it is published.
	if (file.version === 0) return NOTHING
	const wanted = Math.max(1, rule.copies)
	const holders = holdersOf(file, copies, nodes, options.last)
	const isLeft = copies.some(({ node_id }) => nodes.get(node_id)?.role === 'leaves')
	const chosen = choose(inOrder(holders, isLeft), wanted, rule.zones)
	const isChosen = new Set(chosen.map(({ id }) => id))
	const staying = holders.good.filter((node) => isChosen.has(node.id) && node.reliable)
	const fewerZones = chosen.length === wanted && zonesOf(chosen) < Math.min(rule.zones, wanted)
	const isCovered = chosen.length === wanted && chosen.every(({ reliable }) => reliable)
	// Such as have enough to do, or no room, at this moment.
	const others = [...nodes.values()].some(({ id, role }) => role === 'takes' && !isChosen.has(id) && !copies.some((copy) => copy.node_id === id))
	const mayCome = chosen.length < wanted && others
	const rest = copies.map((copy) =>
		fateOf(copy, { file, node: nodes.get(copy.node_id), isChosen, isCovered, mayCome, staying, rule, keepSpare: options.keepSpare === true }),
	)
	const those = (fate: Fate) => copies.filter((_, index) => rest[index] === fate).map((copy) => copy.node_id)
	const waits = rest.includes('wait')
	return {
		add: holders.free.filter(({ id }) => isChosen.has(id)).map(({ id }) => id),
		drop: those('drop'),
		surplus: those('surplus'),
		restore: those('restore'),
		missing: wanted - chosen.length,
		waits,
		deferred:
			(chosen.length < wanted || fewerZones) && [...nodes.values()].some((node) => node.busy && couldTake(node, file, copies)),
		mayCome,
		fewerZones,
		away: waits && chosen.some((node) => !node.reliable),
	}
}

/** A node that is emptied does not wait for one that is away, where another can have the copy. */
function inOrder({ good, back, coming, free }: Holders, isLeft: boolean): LevelNode[] {
	const all = [good, back, coming, free].flat()
	return isLeft ? [...all.filter((node) => node.reliable), ...all.filter((node) => !node.reliable)] : all
}

/** Best first in each: what can be relied upon, then the emptiest. */
function holdersOf(
	file: PlannedFile,
	copies: readonly ReplicaRow[],
	nodes: ReadonlyMap<NodeId, LevelNode>,
	last: NodeId | undefined,
): Holders {
	const holders: Holders = { good: [], back: [], coming: [], free: [] }
	for (const copy of copies) {
		const node = nodes.get(copy.node_id)
		if (!node || !counts(node)) continue
		if (copy.state === REPLICA.wanted) holders.coming.push(node)
		else if (copy.version !== file.version) continue
		else if (copy.state === REPLICA.good) holders.good.push(node)
		else if (copy.state === REPLICA.surplus) holders.back.push(node)
	}
	for (const node of nodes.values()) if (!node.busy && couldTake(node, file, copies)) holders.free.push(node)
	for (const list of [holders.good, holders.back, holders.coming, holders.free])
		list.sort((a, b) => Number(a.id === last) - Number(b.id === last) || byPreference(a, b))
	return holders
}

function counts({ role }: LevelNode): boolean {
	return role === 'takes' || role === 'keeps'
}

/** Whether a copy could be made there: nothing of the file is there, or an old copy that was to go. */
function couldTake(node: LevelNode, file: PlannedFile, copies: readonly ReplicaRow[]): boolean {
	if (node.role !== 'takes' || node.room <= file.size) return false
	const copy = copies.find(({ node_id }) => node_id === node.id)
	return !copy || (copy.state === REPLICA.surplus && copy.version !== file.version)
}

function byPreference(a: LevelNode, b: LevelNode): number {
	return Number(b.reliable) - Number(a.reliable) || fillOf(a) - fillOf(b) || a.id - b.id
}

/** As many zones as are asked for and can be had, then whatever comes first. */
function choose(candidates: readonly LevelNode[], count: number, zones: number): LevelNode[] {
	const chosen: LevelNode[] = []
	const taken = new Set<string>()
	for (const node of candidates) {
		if (chosen.length === count || taken.size >= zones) break
		if (taken.has(node.zone)) continue
		taken.add(node.zone)
		chosen.push(node)
	}
	for (const node of candidates) {
		if (chosen.length === count) break
		if (!chosen.includes(node)) chosen.push(node)
	}
	return chosen
}

function zonesOf(nodes: readonly LevelNode[]): number {
	return new Set(nodes.map(({ zone }) => zone)).size
}

type Fate = 'stay' | 'wait' | 'drop' | 'surplus' | 'restore'

interface Case {
	file: PlannedFile
	node: LevelNode | undefined
	isChosen: ReadonlySet<NodeId>
	/** As many were chosen as the class asks for, on nodes that can be relied upon; some may be on their way. */
	isCovered: boolean
	/** Too few were chosen, and a node could take a copy later. */
	mayCome: boolean
	/** Good copies that will be there when others are gone. */
	staying: readonly LevelNode[]
	rule: Rule
	keepSpare: boolean
}

function fateOf(copy: ReplicaRow, given: Case): Fate {
	const { file, node, isChosen, isCovered, mayCome, keepSpare } = given
	const nothingThere = copy.state === REPLICA.wanted && copy.version === 0
	const mayGo = isEnough(given)
	if (!node || node.role === 'gone') return mayGo || copy.state === REPLICA.wanted ? 'drop' : 'wait'
	if (node.role === 'leaves') {
		// Without the row nobody would come back to the file.
		if (nothingThere) return mayCome ? 'wait' : 'drop'
		if (copy.state !== REPLICA.surplus) return mayGo ? 'surplus' : 'wait'
		// The copies it was to go for are not there any more, and a copy that is to go is nobody's source.
		return !mayGo && copy.version === file.version ? 'restore' : 'stay'
	}
	if (isChosen.has(node.id)) return copy.state === REPLICA.surplus && copy.version === file.version ? 'restore' : 'stay'
	if (copy.state === REPLICA.good) return mayGo ? 'surplus' : 'wait'
	if (copy.state !== REPLICA.wanted || keepSpare) return 'stay'
	// Made all the same, it would be one too many that nobody asks about again.
	if (nothingThere) return isCovered ? 'drop' : 'wait'
	return mayGo ? 'surplus' : 'wait'
}

/** What is removed must not cost a zone the class asks for, as little as a copy. A node that is gone has cost it already. */
function isEnough({ staying, rule, node }: Case): boolean {
	if (staying.length < Math.max(1, rule.copies)) return false
	if (!node || node.role === 'gone') return true
	return zonesOf(staying) >= rule.zones || staying.some(({ zone }) => zone === node.zone)
}
