/** Where a copy may be read: on nodes that are mounted here, and on others over SFTP. */
import { REPLICA, type ReplicaRow } from '../../core/catalogue/replicas.ts'
import type { SftpConfig } from '../../core/config/types.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { NodeId, Path } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { inService } from '../../core/nodes/service.ts'
import { run } from '../../core/op.ts'
import type { Readable } from './copy.ts'
import type { Want } from './look.ts'
import { NOTHING, type Standing, standingOn } from './standing.ts'

export interface Source {
	id: NodeId
	name: string
	/** local: threads may read it by its path. sftp: they connect to it. */
	reach: 'local' | 'remote' | 'sftp'
	node: Node
	/** Where it is reached over SFTP. */
	sftp?: SftpConfig
}

export interface Found {
	source: Source
	path: Path
}

export interface Sources {
	/** Nodes that have the wanted version within reach, best first, and under which path. */
	of(want: Want, isStanding: boolean): Promise<Found[]>
	/** The best among nodes that threads may read, and what stands there. */
	hereAmong(ids: readonly NodeId[]): Source | undefined
	standingOn(id: NodeId): Promise<Standing>
	/** One has it, whatever has yet to be carried out there. */
	isWithinReach(want: Want): boolean
	/** To read it on the main thread. */
	operationsOf(source: Source): Promise<Readable>
	/** What stands on nodes may have changed. */
	forgetStanding(): void
	end(): Promise<void>
}

/** A connection to a node, shared by all copies that read there. */
export interface Reach {
	operations: Readable
	end(): Promise<void>
}

const RANK = { local: 0, remote: 1, sftp: 2 }

export function openSources(
	fs: Filesystem,
	{
		own,
		load,
		connect,
	}: { own: NodeId; load: ReadonlyMap<NodeId, number>; connect(node: { name: string; uuid: string }, config: SftpConfig): Promise<Reach> },
): Sources {
	const standing = new Map<NodeId, Promise<Standing>>()
	const reaches = new Map<NodeId, Promise<Reach>>()

	function sourceOn(id: NodeId): Source | undefined {
		const node = fs.nodes.get(id)
		if (!node || node.row.state === 'down' || node.row.state === 'dead') return undefined
		if (inService(node))
			return { id, name: node.name, reach: node.remote ? 'remote' : 'local', node }
		const sftp = fs.config.nodes[node.name]?.sftp
		return sftp && { id, name: node.name, reach: 'sftp', node, sftp }
	}

	function reachOf(node: Node, config: SftpConfig): Promise<Reach> {
		const reach = reaches.get(node.id) ?? connect({ name: node.name, uuid: node.row.uuid }, config)
		reaches.set(node.id, reach)
		return reach
	}

	function standingFor(id: NodeId, isStanding: boolean): Promise<Standing> {
		if (!isStanding) return Promise.resolve(NOTHING)
		const known = standing.get(id) ?? Promise.resolve(run(standingOn(fs, fs.catalogue, id)))
		standing.set(id, known)
		return known
	}

	function cost({ id, reach, node }: Source): number {
		return RANK[reach] * 1_000 + (load.get(id) ?? 0) + Math.min(0.9, node.health.read.ms / 10_000)
	}

	function withinReach({ copies, file }: Want): Source[] {
		const fit = ({ node_id, version, state }: ReplicaRow) =>
			node_id !== own && version === file.version && state !== REPLICA.suspect
		return copies.filter(fit).flatMap((copy) => sourceOn(copy.node_id) ?? [])
	}

	return {
		async of(want, isStanding) {
			const found: Found[] = []
			for (const source of withinReach(want)) {
				const inTheWay = await standingFor(source.id, isStanding)
				const clear = want.places.find(({ path }) => !inTheWay.isInTheWay(path))
				if (clear) found.push({ source, path: clear.path })
			}
			return found.sort((a, b) => cost(a.source) - cost(b.source))
		},
		hereAmong(ids) {
			const here = ids.flatMap((id) => (id === own ? [] : (sourceOn(id) ?? []))).filter(({ reach }) => reach === 'local')
			return here.sort((a, b) => cost(a) - cost(b)).at(0)
		},
		standingOn: (id) => standingFor(id, true),
		isWithinReach: (want) => withinReach(want).length > 0,
		operationsOf: async ({ node, sftp }) => (sftp ? (await reachOf(node, sftp)).operations : node.operations),
		forgetStanding: () => standing.clear(),
		async end() {
			await Promise.all([...reaches.values()].map(async (reach) => (await reach).end()))
		},
	}
}
