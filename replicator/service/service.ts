/**
 * The daemon: looks after the nodes it was given, one daemon for each. It outlives a catalogue that is away and nodes that come
 * and go; it ends when it is told to.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { KINDS, type Kind, type Kinds } from './jobs.ts'
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
}

export interface Daemon {
	/** The configuration is another. */
	reschedule(): void
	/** Resolves when it was told to end and has, or at once when others look after all of its nodes. */
	ended: Promise<void>
}

const TICK_MS = 1_000
const RENEW_MS = 15_000

export function startService(service: Service): Daemon {
	const { fs, signal, tickMs = TICK_MS } = service
	const served = new Map<NodeId, NodeService>()
	const passOn = fs.onChange
	fs.onChange = (change) => {
		passOn(change)
		if (change.op === 'publish' || change.op === 'node') for (const each of served.values()) each.news()
	}
	return {
		reschedule() {
			for (const each of served.values()) each.reschedule()
		},
		ended: live(service, served).finally(() => {
			fs.onChange = passOn
		}),
	}

	async function live({ report, ready }: Service, services: Map<NodeId, NodeService>): Promise<void> {
		const elsewhere = await takeNodes(service, services)
		for (const [holder, names] of elsewhere) report(`${names.join(', ')}: looked after already (${holder})`)
		if (services.size === 0 && elsewhere.size > 0) return
		ready?.([...services.keys()].map((id) => fs.nodes.get(id)?.name ?? String(id)))
		for (let renewedMs = performance.now(); !signal.aborted; ) {
			await attempt(service, async () => {
				if (performance.now() - renewedMs >= RENEW_MS) {
					renewedMs = performance.now()
					await takeNodes(service, services)
				}
				for (const each of services.values()) await each.tick()
			})
			await sleep(tickMs, undefined, { signal }).catch(() => undefined)
		}
		await Promise.all([...services.values()].map((each) => each.stop()))
		await attempt(service, async () => {
			for (const id of services.keys()) await letGo(fs, id)
		})
	}
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
async function takeNodes(service: Service, services: Map<NodeId, NodeService>): Promise<Map<string, string[]>> {
	const { fs, isOurs, report } = service
	const elsewhere = new Map<string, string[]>()
	const ours = [...fs.nodes.values()].filter(isOurs)
	for (const { id, name } of ours) {
		const holder = await hold(fs, id)
		const known = services.get(id)
		if (holder !== undefined && known) report(`${name}: ${holder} has taken over`)
		if (holder !== undefined) {
			elsewhere.set(holder, [...(elsewhere.get(holder) ?? []), name])
			await leave(services, id)
		} else if (!known) services.set(id, serveNode(workOn(service, id, services.size === 0)))
	}
	for (const id of services.keys()) if (!ours.some((node) => node.id === id)) await leave(services, id)
	return elsewhere
}

async function leave(services: Map<NodeId, NodeService>, id: NodeId): Promise<void> {
	const known = services.get(id)
	services.delete(id)
	await known?.stop()
}

/** What belongs to no node is done beside the first one. */
function workOn({ fs, show, kinds = KINDS }: Service, id: NodeId, isFirst: boolean): NodeWork {
	const own = Object.entries(kinds).filter(([, kind]: [string, Kind]) => isFirst || !kind.make(fs).ofTree)
	return { fs, id, show, kinds: Object.fromEntries(own) }
}
