/** Which nodes should hold a file: named cases, then chance. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REPLICA, type ReplicaRow } from '../../core/catalogue/replicas.ts'
import type { LevelNode, Role } from '../../replicator/level/nodes.ts'
import { type Plan, type PlanOptions, planFile } from '../../replicator/level/plan.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const { good, wanted, suspect, surplus } = REPLICA

interface Described extends Partial<LevelNode> {
	role?: Role
}

function nodes(...described: Described[]): Map<number, LevelNode> {
	return new Map(
		described.map((node, index) => [
			index + 1,
			{
				id: index + 1,
				name: `n${index + 1}`,
				zone: '',
				role: 'takes',
				reliable: true,
				capacity: 1000,
				used: 100 * (index + 1),
				room: 500,
				pending: 0,
				busy: false,
				...node,
			},
		]),
	)
}

/** [node, state, version]; the file is at version 3. */
function copies(...rows: Array<[node: number, state: number, version?: number]>): ReplicaRow[] {
	return rows.map(([node_id, state, version = state === wanted ? 0 : 3]) => ({ node_id, state, version }))
}

interface Expected {
	add?: number[]
	drop?: number[]
	surplus?: number[]
	restore?: number[]
	missing?: number
	waits?: boolean
	deferred?: boolean
	mayCome?: boolean
	fewerZones?: boolean
	away?: boolean
}

function expectPlan(
	t: { copies: number; zones?: number; has: ReplicaRow[]; on: Map<number, LevelNode>; size?: number; options?: PlanOptions },
	expected: Expected,
	why: string,
): void {
	const plan = planFile({ size: t.size ?? 10, version: 3 }, { copies: t.copies, zones: t.zones ?? 1 }, t.has, t.on, t.options)
	const none = {
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
	assert.deepEqual(plan, { ...none, ...expected }, why)
}

const leaves: Described = { role: 'leaves', reliable: false }
const gone: Described = { role: 'gone', reliable: false }
const down: Described = { role: 'keeps', reliable: false }

test('what is as it should be stays so', () => {
	expectPlan({ copies: 2, has: copies([1, good], [2, good]), on: nodes({}, {}, {}) }, {}, 'two of two')
	expectPlan({ copies: 2, has: copies([1, good], [2, wanted]), on: nodes({}, {}, {}) }, {}, 'one is on its way')
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, good]), on: nodes({}, { role: 'keeps' }, {}) },
		{},
		'a node that takes nothing new',
	)
	expectPlan({ copies: 2, has: copies([1, good], [2, good]), on: nodes({}, down, {}) }, {}, 'a node that is away for a while')
	const created = planFile({ size: 0, version: 0 }, { copies: 2, zones: 1 }, copies([1, good, 0]), nodes(leaves, {}, {}))
	assert.deepEqual([created.add, created.surplus], [[], []], 'a file that is being created')
})

test('what is missing is asked of the emptiest node that has room', () => {
	expectPlan({ copies: 2, has: copies([1, good]), on: nodes({}, {}, {}) }, { add: [2] }, 'the emptiest')
	expectPlan({ copies: 2, has: copies([1, good]), on: nodes({}, { room: 10 }, {}) }, { add: [3] }, 'no room for all of it')
	expectPlan({ copies: 2, has: copies([1, good]), on: nodes({}, { role: 'keeps' }, {}) }, { add: [3] }, 'takes no new copies')
	expectPlan({ copies: 4, has: copies([1, good]), on: nodes({}, {}, {}) }, { add: [2, 3], missing: 1 }, 'too few nodes')
	expectPlan(
		{ copies: 2, has: copies([1, good]), on: nodes({}, { busy: true }) },
		{ missing: 1, deferred: true, mayCome: true },
		'has enough to do',
	)
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, suspect]), on: nodes({}, {}, {}) },
		{ add: [3] },
		'a copy in doubt does not count',
	)
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, good, 2]), on: nodes({}, {}, {}) },
		{ add: [3], waits: true },
		'nor does one of an older version',
	)
})

test('a drained node keeps its copy until the class has enough elsewhere', () => {
	const on = nodes(leaves, {}, {})
	expectPlan({ copies: 2, has: copies([1, good], [2, good]), on }, { add: [3], waits: true }, 'asked for elsewhere')
	expectPlan({ copies: 2, has: copies([1, good], [2, good], [3, wanted]), on }, { waits: true }, 'on its way is not there')
	expectPlan({ copies: 2, has: copies([1, good], [2, good], [3, good]), on }, { surplus: [1] }, 'there')
	expectPlan({ copies: 2, has: copies([1, surplus], [2, good], [3, good]), on }, {}, 'it may go already')
	expectPlan(
		{ copies: 2, has: copies([1, surplus], [2, good], [3, suspect]), on },
		{ restore: [1], missing: 1 },
		'what it was to go for is lost',
	)
	expectPlan({ copies: 2, has: copies([1, wanted], [2, good], [3, good]), on }, { drop: [1] }, 'it never had one')
	expectPlan({ copies: 2, has: copies([1, wanted, 2], [2, good], [3, good]), on }, { surplus: [1] }, 'it has an old one')
	expectPlan({ copies: 2, has: copies([1, suspect], [2, good], [3, good]), on }, { surplus: [1] }, 'it has one in doubt')
	expectPlan({ copies: 1, has: copies([1, good]), on: nodes(leaves) }, { missing: 1, waits: true }, 'no other node')
	expectPlan(
		{ copies: 1, has: copies([1, good], [2, good]), on: nodes(leaves, down) },
		{ waits: true, away: true },
		'the other is away',
	)
	expectPlan(
		{ copies: 1, has: copies([1, good], [2, good]), on: nodes(leaves, down, {}) },
		{ add: [3], waits: true },
		'nobody waits for it',
	)
	expectPlan(
		{ copies: 1, has: copies([1, good], [2, wanted]), on: nodes(leaves, down, {}) },
		{ add: [3], drop: [2], waits: true },
		'nor for one it is to make',
	)
	expectPlan(
		{ copies: 1, has: copies([1, good], [2, good]), on: nodes(leaves, leaves, {}) },
		{ add: [3], waits: true },
		'two drains at once',
	)
})

test('rows of a node that is gone go when enough copies are elsewhere', () => {
	expectPlan({ copies: 2, has: copies([1, good], [2, good]), on: nodes(gone, {}, {}) }, { add: [3], waits: true }, 'not yet')
	expectPlan({ copies: 2, has: copies([1, good], [2, good], [3, good]), on: nodes(gone, {}, {}) }, { drop: [1] }, 'now')
	expectPlan(
		{ copies: 1, has: copies([1, good]), on: nodes(gone, {}, {}) },
		{ add: [2], waits: true },
		'the only one is not forgotten',
	)
	expectPlan({ copies: 1, has: copies([9, wanted], [1, good]), on: nodes({}) }, { drop: [9] }, 'a node nobody knows')
})

test('of too many copies the one on the fullest node goes, unless its zone is needed', () => {
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, good], [3, good]), on: nodes({}, { used: 900 }, {}) },
		{ surplus: [2] },
		'the fullest',
	)
	expectPlan(
		{
			copies: 2,
			zones: 2,
			has: copies([1, good], [2, good], [3, good]),
			on: nodes({ zone: 'a' }, { zone: 'a' }, { zone: 'b', used: 900 }),
		},
		{ surplus: [2] },
		'its zone is needed',
	)
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, good], [3, good]), on: nodes({}, {}, {}), options: { last: 1 } },
		{ surplus: [1] },
		'the one that was said',
	)
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, good], [3, good]), on: nodes({}, down, {}) },
		{ surplus: [2] },
		'rather one that is away',
	)
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, good], [3, good]), on: nodes({}, down, down) },
		{ waits: true, away: true },
		'not while only one can be relied upon',
	)
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, good], [3, wanted]), on: nodes({}, {}, {}) },
		{ drop: [3] },
		'one that was only asked for',
	)
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, good], [3, wanted]), on: nodes({}, {}, {}), options: { keepSpare: true } },
		{},
		'asked for on purpose',
	)
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, wanted], [3, wanted]), on: nodes({}, {}, {}) },
		{ drop: [3] },
		'one that was only asked for, while another is on its way',
	)
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, wanted], [3, wanted]), on: nodes({}, {}, {}), options: { keepSpare: true } },
		{},
		'that on purpose',
	)
	expectPlan(
		{ copies: 1, has: copies([1, good], [2, wanted]), on: nodes(down, {}) },
		{ waits: true, away: true },
		'not while the other is away',
	)
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, good], [3, wanted, 2]), on: nodes({}, {}, {}) },
		{ surplus: [3] },
		'an old copy that was to be replaced',
	)
	expectPlan(
		{ copies: 2, has: copies([1, good], [2, wanted], [3, wanted, 2]), on: nodes({}, {}, {}) },
		{ waits: true },
		'an old copy while another is on its way',
	)
})

test('a copy that was to go is taken back before another is made', () => {
	expectPlan({ copies: 2, has: copies([1, good], [2, surplus]), on: nodes({}, {}, {}) }, { restore: [2] }, 'of this version')
	expectPlan({ copies: 2, has: copies([1, good], [2, surplus, 1]), on: nodes({}, {}) }, { add: [2] }, 'of an older one: replaced')
	expectPlan({ copies: 1, has: copies([1, good], [2, surplus]), on: nodes({}, {}) }, {}, 'not needed')
})

test('zones: as many as the class asks for, where there are so many', () => {
	const on = nodes({ zone: 'a' }, { zone: 'a' }, { zone: 'b', used: 900 }, { zone: 'c', role: 'keeps' })
	expectPlan({ copies: 2, zones: 2, has: copies([1, good]), on }, { add: [3] }, 'another zone before an emptier node')
	expectPlan(
		{ copies: 2, zones: 2, has: copies([1, good], [2, good]), on },
		{ add: [3], waits: true },
		'two in one zone: one moves',
	)
	expectPlan({ copies: 2, zones: 2, has: copies([1, good], [2, good], [3, good]), on }, { surplus: [2] }, 'when it has moved')
	expectPlan(
		{ copies: 2, zones: 2, has: copies([1, good], [2, wanted]), on },
		{ add: [3], drop: [2] },
		'what is on its way in the wrong zone is not waited for',
	)
	expectPlan({ copies: 3, zones: 3, has: copies([1, good], [3, good]), on }, { add: [2], fewerZones: true }, 'no third zone')
	expectPlan(
		{ copies: 2, zones: 2, has: copies([1, good], [3, good]), on: nodes({ zone: 'a' }, { zone: 'a' }, { ...leaves, zone: 'b' }) },
		{ add: [2], waits: true, fewerZones: true },
		'its zone is being emptied',
	)
	expectPlan(
		{
			copies: 2,
			zones: 2,
			has: copies([1, good], [2, good], [3, good]),
			on: nodes({ zone: 'a' }, { zone: 'a' }, { ...leaves, zone: 'b' }),
		},
		{ waits: true, fewerZones: true },
		'and it is the last of that zone',
	)
	expectPlan(
		{ copies: 2, zones: 2, has: copies([1, good], [2, good], [3, good]), on: nodes({ zone: 'a' }, { zone: 'a' }, { zone: 'a' }) },
		{ surplus: [3], fewerZones: true },
		'one that adds no zone may go',
	)
})

const ROUNDS_MAX = 12

test('chance: no plan lets copies go that are needed, and plans end', () => {
	const seed = seedOfRun()
	console.log(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	const roles: Role[] = ['takes', 'takes', 'takes', 'keeps', 'leaves', 'gone']
	for (let count = 0; count < 4_000; count++) {
		const on = nodes(
			...Array.from({ length: 1 + random.below(6) }, (): Described => {
				const role = random.pick(roles)
				const reliable = role === 'takes' || (role === 'keeps' && random.chance(0.7))
				return {
					role,
					reliable,
					zone: random.pick(['a', 'b', 'c']),
					used: random.below(1000),
					room: random.below(40),
					busy: random.chance(0.1),
				}
			}),
		)
		const rule = { copies: 1 + random.below(4), zones: 1 + random.below(3) }
		const has = [...on.keys()]
			.filter(() => random.chance(0.5))
			.map((node_id): ReplicaRow => {
				const state = random.pick([good, good, good, wanted, suspect, surplus])
				return { node_id, state, version: state === wanted ? random.pick([0, 2]) : random.pick([3, 3, 3, 2]) }
			})
		settle(has, rule, on, `seed ${seed}, case ${count}`)
	}
})

const isGood = (copy: ReplicaRow) => copy.state === good && copy.version === 3

/** Plans, copies and removals in turn, until nothing changes. */
function settle(rows: ReplicaRow[], rule: { copies: number; zones: number }, on: Map<number, LevelNode>, what: string): void {
	let has = rows
	const counting = (list: ReplicaRow[]) => list.filter((copy) => isGood(copy) && on.get(copy.node_id)?.reliable)
	const zones = (list: ReplicaRow[]) => new Set(list.map((copy) => on.get(copy.node_id)?.zone)).size
	for (let turn = 0; turn < ROUNDS_MAX; turn++) {
		const plan = planFile({ size: 10, version: 3 }, rule, has, on)
		check(plan, has, rule, on, what)
		const next = apply(plan, has)
		if (plan.surplus.length > 0)
			assert.ok(counting(next).length >= rule.copies, `${what}: ${counting(next).length} good copies are left of ${rule.copies}`)
		assert.ok(counting(next).length >= Math.min(rule.copies, counting(has).length), `${what}: good copies were let go`)
		assert.ok(zones(counting(next)) >= Math.min(rule.zones, zones(counting(has))), `${what}: a zone was let go`)
		const source = next.some((copy) => copy.version === 3 && copy.state !== suspect)
		const done = next
			.filter((copy) => !(copy.state === surplus && counting(next).length >= rule.copies))
			.map((copy) => (copy.state === wanted && source ? { ...copy, state: good, version: 3 } : copy))
		if (JSON.stringify(done) === JSON.stringify(has)) return
		has = done
	}
	assert.fail(`${what}: goes on and on`)
}

function check(plan: Plan, has: ReplicaRow[], rule: { copies: number }, on: Map<number, LevelNode>, what: string): void {
	for (const id of plan.add) {
		const node = on.get(id) as LevelNode
		assert.ok(node.role === 'takes' && node.room > 10 && !node.busy, `${what}: ${node.name} cannot take it`)
		assert.ok(
			has.every((copy) => copy.node_id !== id || copy.state === surplus),
			`${what}: it is on ${node.name} already`,
		)
	}
	const touched = [plan.add, plan.drop, plan.surplus, plan.restore].flat()
	assert.equal(new Set(touched).size, touched.length, `${what}: one node twice`)
	assert.ok(plan.missing >= 0 && plan.missing <= rule.copies, what)
}

function apply(plan: Plan, has: ReplicaRow[]): ReplicaRow[] {
	const set = (copy: ReplicaRow): ReplicaRow => {
		if (plan.surplus.includes(copy.node_id)) return { ...copy, state: surplus }
		if (plan.restore.includes(copy.node_id)) return { ...copy, state: good }
		return plan.add.includes(copy.node_id) ? { ...copy, state: wanted } : copy
	}
	const added = plan.add.filter((id) => !has.some((copy) => copy.node_id === id))
	return [
		...has.filter((copy) => !plan.drop.includes(copy.node_id)).map(set),
		...added.map((node_id) => ({ node_id, state: wanted, version: 0 })),
	]
}
