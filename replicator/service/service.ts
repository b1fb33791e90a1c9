/**
 * The daemon: looks after the nodes it was given, one daemon for each. It outlives a catalogue that is away and nodes that come
 * and go; it ends when it is told to.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { takesChanges } from '../../core/nodes/service.ts'
import { RENEW_MS } from '../replicator.ts'
import { type JobName, KINDS, type Kind, type Kinds } from './jobs.ts'
import { hold, letGo } from './lease.ts'
import { type NodeService, type NodeWork, serveNode } from './node-service.ts'

export interface Service {
	fs: Filesystem
	/** Whether a node is one of those to be looked after: nodes may be added at any time. */
	isOurs(node: Node): boolean
	signal: AbortSignal
	show: NodeWork['show']
	/** Something a keeper should know: one line. */
	report(line: string): void
	/** Called once, with the names of the nodes that nobody else looks after. */
	ready?(names: string[]): void
	/** Tests have work and a pace of their own. */
	kinds?: Kinds
	tickMs?: number
	renewMs?: number
}

export interface Daemon {
	/** The configuration is another. */
	reschedule(): void
	/** Resolves when it was told to end and has, or at once when others look after all of its nodes. */
	ended: Promise<void>
}

const TICK_MS = 1_000

/** The nodes that are looked after, those whose last runs are still ending, and what belongs to none of them. */
interface Nodes {
	served: Map<NodeId, NodeService>
	leaving: Map<NodeId, Promise<void>>
	large: Set<JobName>
	tree: NodeService
}

export function startService(service: Service): Daemon {
	const { fs } = service
	const nodes = newNodes(service)
	const passOn = fs.onChange
	fs.onChange = (change) => {
		passOn(change)
		if (change.op === 'publish' || change.op === 'node') for (const each of all(nodes)) each.news()
	}
	return {
		reschedule() {
			for (const each of all(nodes)) each.reschedule()
		},
		ended: live(service, nodes).finally(() => {
			fs.onChange = passOn
		}),
	}
}

const all = ({ served, tree }: Nodes) => [...served.values(), tree]

/** What belongs to no node is done beside any that takes changes: one that is gone, or given up, keeps it from nobody. */
function newNodes(service: Service): Nodes {
	const { fs } = service
	const [served, large]: [Nodes['served'], Nodes['large']] = [new Map(), new Set()]
	const pick = () => [...served.keys()].map((id) => usable(fs, id)).find((node) => node !== undefined)
	return { served, large, leaving: new Map(), tree: serveNode({ ...workOn(service, true), large, pick }) }
}

function usable(fs: Filesystem, id: NodeId): Node | undefined {
	const node = fs.nodes.get(id)
	return node && takesChanges(node) ? node : undefined
}

async function live(service: Service, nodes: Nodes): Promise<void> {
	const { fs, signal, report, ready, tickMs = TICK_MS, renewMs = RENEW_MS } = service
	const { served, leaving } = nodes
	const elsewhere = await takeNodes(service, nodes)
	for (const [holder, names] of elsewhere) report(`${names.join(', ')}: looked after already (${holder})`)
	if (served.size === 0 && elsewhere.size > 0) return await nodes.tree.stop()
	ready?.([...served.keys()].map((id) => fs.nodes.get(id)?.name ?? String(id)))
	for (let renewedMs = performance.now(); !signal.aborted; ) {
		await attempt(service, async () => {
			if (performance.now() - renewedMs >= renewMs) {
				renewedMs = performance.now()
				await takeNodes(service, nodes)
			}
			for (const each of all(nodes)) await each.tick()
		})
		await sleep(tickMs, undefined, { signal }).catch(() => undefined)
	}
	await Promise.all([...all(nodes).map((each) => each.stop()), ...leaving.values()])
	await attempt(service, async () => {
		for (const id of served.keys()) await letGo(fs, id)
	})
}

/** The catalogue may be away for a while: that is said, and tried again. */
async function attempt({ report }: Service, act: () => Promise<void>): Promise<void> {
	try {
		await act()
	} catch (error) {
		report(`catalogue: ${(error as Error).message}`)
	}
}

/** Looks after every node that is ours and that nobody else looks after. Returns who looks after which of the others. */
async function takeNodes(service: Service, nodes: Nodes): Promise<Map<string, string[]>> {
	const { fs, isOurs, report } = service
	const { served, leaving } = nodes
	const elsewhere = new Map<string, string[]>()
	const ours = [...fs.nodes.values()].filter((node) => isOurs(node) && !leaving.has(node.id))
	for (const { id, name } of ours) {
		const holder = await hold(fs, id)
		if (holder === undefined) {
			if (!served.has(id)) served.set(id, serveNode({ ...workOn(service, false), large: nodes.large, pick: () => usable(fs, id) }))
			continue
		}
		elsewhere.set(holder, [...(elsewhere.get(holder) ?? []), name])
		if (served.has(id)) report(`${name}: ${holder} has taken over`)
		leave(nodes, id)
	}
	for (const id of served.keys()) if (!ours.some((node) => node.id === id)) leave(nodes, id)
	return elsewhere
}

/** Nobody waits for its runs: one of them may hang with its node. Until they have ended the node is not taken again. */
function leave({ served, leaving }: Nodes, id: NodeId): void {
	const service = served.get(id)
	if (!service) return
	served.delete(id)
	leaving.set(id, service.stop().finally(() => leaving.delete(id)))
}

/** That of a node, or what belongs to none. */
function workOn({ fs, show, kinds = KINDS }: Service, ofTree: boolean): Pick<NodeWork, 'fs' | 'show' | 'kinds'> {
	const own = Object.entries(kinds).filter(([, kind]: [string, Kind]) => (kind.make(fs).ofTree ?? false) === ofTree)
	return { fs, show, kinds: Object.fromEntries(own) }
}
