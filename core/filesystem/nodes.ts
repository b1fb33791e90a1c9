/** The nodes this process has open, kept in step with the catalogue's table. */
import type { Node, NodeRow } from '../nodes/node.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as classTable from '../catalogue/classes.ts'
import * as nodeTable from '../catalogue/nodes.ts'
import { fail } from '../errors.ts'
import { closeNode, openNode, probeNode, replaceNode } from '../nodes/open-node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'

/** When the table was asked, as a number that grows, and the latest answer each filesystem has taken over. */
let asked = 0
const taken = new WeakMap<Filesystem, number>()

export function* refreshNodes(fs: Filesystem): Op<void> {
	const turn = ++asked
	const rows = yield* wait(nodeTable.list(fs.catalogue))
	// Who asked later was answered first.
	if (turn < (taken.get(fs) ?? 0)) return
	taken.set(fs, turn)
	takeOver(fs, rows)
	for (const row of rows) yield* wait(fs.nodes.get(row.id)?.ready)
}

/**
 * In a transaction that puts something on a node, after its first read: one that was taken away and of which this process has not heard yet
 * gets nothing more. Whoever takes one away does so before, or sees what was put there: see catalogue/moves.ts.
 */
export function* checkNodes(fs: Filesystem, tx: Transaction): Op<void> {
	if (!fs.nodesInDoubt) return
	const living = new Set((yield* wait(nodeTable.living(tx))).map(({ id }) => id))
	for (const node of fs.nodes.values()) if (!living.has(node.id)) node.row = { ...node.row, state: 'dead' }
	fs.nodesInDoubt = false
}

/** The same, of one on which there is something already that is to become a file. */
export function* checkNode(fs: Filesystem, tx: Transaction, node: Node): Op<void> {
	yield* checkNodes(fs, tx)
	if (node.row.state === 'dead') fail('EIO', `node ${node.name} was taken away`)
}

/** All of it in one turn: nobody sees half of an answer, and no older answer comes in between. */
function takeOver(fs: Filesystem, rows: readonly NodeRow[]): void {
	for (const row of rows) refresh(fs, row)
	// The answer may be older than what a transaction has found since.
	fs.nodesInDoubt = true
	const wanted = new Set(rows.filter((row) => row.state !== 'dead').map((row) => row.id))
	for (const node of fs.nodes.values()) {
		if (wanted.has(node.id)) continue
		fs.nodes.delete(node.id)
		// For who has it in hand still.
		node.row = { ...node.row, state: 'dead' }
		closeNode(node)
	}
}

/** What cannot change while a node is open. */
const OPENED_WITH = ['name', 'path', 'uuid', 'io'] as const

function refresh(fs: Filesystem, row: NodeRow): void {
	const known = fs.nodes.get(row.id)
	if (known && (row.state === 'dead' || OPENED_WITH.every((key) => known.row[key] === row[key]))) {
		const was = known.row.state
		known.row = row
		if (was !== row.state && (was === 'down' || row.state === 'down')) probeNode(known)
		return
	}
	if (row.state === 'dead') return
	fs.nodes.set(row.id, open(fs, row))
	if (known) replaceNode(known)
}

function open(fs: Filesystem, row: NodeRow): Node {
	let told = true
	return openNode(row, fs.config, ({ name, health }) => {
		if (health.up !== told) fs.report(health.up ? `node ${name} is back` : `node ${name} is away: ${health.reason}`)
		told = health.up
	})
}

export function* refreshClasses(fs: Filesystem): Op<void> {
	fs.classes = yield* wait(classTable.list(fs.catalogue))
}
