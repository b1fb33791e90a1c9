/** A node of the catalogue made ready for use in this process. */
import type { Config, NodeConfig } from '../config/types.ts'
import { isPromise } from '../op.ts'
import { syncAside } from './aside.ts'
import { openDisk } from './disk.ts'
import { type Monitor, newHealth, watch, withBreaker } from './health.ts'
import { openLaneOperations } from './lanes.ts'
import { openLocalOperations } from './local.ts'
import type { Health, Node, NodeOperations, NodeRow, Space } from './node.ts'
import { type Replaceable, replaceable } from './replaced.ts'
import { whereIs } from './where.ts'

const monitors = new WeakMap<Node, Monitor>()
const replaceables = new WeakMap<Node, Replaceable>()

/** `onHealth` is called whenever the node goes in or out of service, the first time for the identification at the start. */
export function openNode(row: NodeRow, config: Config, onHealth: (node: Node) => void): Node {
	const own: NodeConfig = config.nodes[row.name] ?? {}
	const { root, remote } = whereIs(row, config)
	const health = newHealth()
	// One that is said not to be remote may be all the same.
	const bare = remote ? openRemote(root, config, health) : openLocal(root, own.remote === undefined)
	const counted = replaceable(withBreaker({ operations: bare, health, remote, opened: () => tell() }))
	const node: { -readonly [Key in keyof Node]: Node[Key] } = {
		id: row.id,
		name: row.name,
		root,
		row,
		remote,
		passthrough: isPassthrough(own.io ?? row.io, remote),
		operations: counted.operations,
		disk: remote ? undefined : openDisk(root),
		health,
		ready: undefined,
		space: { capacity: row.capacity, free: row.free, files: 0, filesFree: 0, disk: 0 },
	}
	const tell = teller(node, onHealth)
	const found = (space: Space | undefined) => {
		if (space !== undefined) node.space = space
		// Whoever took it out of service may want to unmount it.
		if (node.row.state === 'down') bare.leave()
		tell()
	}
	const monitor = watch({ operations: bare, health, uuid: row.uuid, found })
	monitors.set(node, monitor)
	replaceables.set(node, counted)
	const first = monitor.probe()
	node.ready = isPromise(first) ? first : undefined
	return node
}

/** It was taken out of service or back: what is open of it follows. */
export function probeNode(node: Node): void {
	void monitors.get(node)?.probe()
}

export function closeNode(node: Node): void {
	endMonitor(node)
	node.disk?.end()
	node.operations.end()
}

/** It was opened anew elsewhere: what is open on this one goes on through its own descriptors until it is closed. */
export function replaceNode(node: Node): void {
	endMonitor(node)
	node.disk?.end()
	replaceables.get(node)?.endWithLast()
}

function endMonitor(node: Node): void {
	monitors.get(node)?.end()
	monitors.delete(node)
}

function openLocal(root: string, isDisk: boolean): NodeOperations {
	return { ...openLocalOperations(root, isDisk), sync: syncAside }
}

function openRemote(root: string, config: Config, health: Health): NodeOperations {
	return openLaneOperations(root, { deadlineMs: config.nodeDeadlineMs, callsMax: config.nodeCallsMax, health })
}

/** Handing a remote node's data to the kernel lets a hung server hang the reader: only where somebody asked for it. */
function isPassthrough(io: NodeRow['io'], remote: boolean): boolean {
	return io === 'passthrough' || (io === 'auto' && !remote)
}

/** Tells of a change, and of the first state whatever it is. */
function teller(node: Node, onHealth: (node: Node) => void): () => void {
	let told: boolean | undefined
	return () => {
		if (told === node.health.up) return
		told = node.health.up
		onHealth(node)
	}
}
