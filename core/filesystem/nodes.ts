/** The nodes this process has open, kept in step with the catalogue's table. */
import type { NodeRow } from '../nodes/node.ts'
import * as classTable from '../catalogue/classes.ts'
import * as nodeTable from '../catalogue/nodes.ts'
import { closeNode, openNode } from '../nodes/open-node.ts'
import { type Op, wait } from '../op.ts'
import type { Filesystem } from './filesystem.ts'

export function* refreshNodes(fs: Filesystem): Op<void> {
	const rows = yield* wait(nodeTable.list(fs.catalogue))
	for (const row of rows) yield* refresh(fs, row)
	const wanted = new Set(rows.filter((row) => row.state !== 'dead').map((row) => row.id))
	for (const node of fs.nodes.values()) {
		if (wanted.has(node.id)) continue
		fs.nodes.delete(node.id)
		closeNode(node)
	}
}

function* refresh(fs: Filesystem, row: NodeRow): Op<void> {
	const known = fs.nodes.get(row.id)
	if (known) {
		known.row = row
		return
	}
	if (row.state === 'dead') return
	let told = true
	const node = openNode(row, fs.config, ({ name, health }) => {
		if (health.up !== told) fs.report(health.up ? `node ${name} is back` : `node ${name} is away: ${health.reason}`)
		told = health.up
	})
	fs.nodes.set(row.id, node)
	yield* wait(node.ready)
}

export function* refreshClasses(fs: Filesystem): Op<void> {
	fs.classes = yield* wait(classTable.list(fs.catalogue))
}
