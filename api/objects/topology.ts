/** `/dir/status`, `/vol/status`, `/cluster/status`, `/healthz`: nodes and volumes in SeaweedFS's words. A zone is a data center. */
import type { FastifyInstance } from 'fastify'
import * as holdings from '../../core/catalogue/holdings.ts'
import * as volumes from '../../core/catalogue/object-volumes.ts'
import type { ObjectVolumeRow } from '../../core/catalogue/object-volumes.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Node } from '../../core/nodes/node.ts'
import { inService } from '../../core/nodes/service.ts'
import { run } from '../../core/op.ts'
import { classOf, takesNewFiles } from '../../core/placement/placement.ts'
import { reasonsAgainst } from '../health/ready.ts'
import { answer } from './answer.ts'
import type { Gateway } from './gateway.ts'
import { query } from './parameters.ts'
import { directoryOf } from './place.ts'
import { replicationOf } from './replication.ts'
import { counted, type Counts } from './volume-counts.ts'
import { parseTtl } from './ttl.ts'

/** Where they say nothing else, a volume of theirs has this much; nodes of ours are measured with it. */
const VOLUME_BYTES = 30 * 1024 ** 3
const RACK = 'DefaultRack'
const NO_ZONE = 'DefaultDataCenter'
/** Copies of a node that is away of which others are looked for. */
const LOOKED_AT_MAX = 100_000
const VERSION = 'Cairn'
const COMPACTED = 0
const NEEDLE_VERSION = 3

export function topology(app: FastifyInstance, { fs, ...gateway }: Gateway): void {
	/** Figures about the whole tree. */
	const may = { access: 'read' } as const

	app.get('/dir/status', { config: may, schema: { summary: 'Nodes', querystring: query() } }, async (request, reply) => {
		const list = await volumes.list(fs.catalogue)
		const nodes = [...fs.nodes.values()]
		const room = sum(nodes.map(roomOf))
		const DataCenters = await Promise.all(
			zonesOf(nodes).map(async ([Id, members]) => ({
				Id,
				...sum(members.map(roomOf)),
				Racks: [{ Id: RACK, ...sum(members.map(roomOf)), DataNodes: await Promise.all(members.map((node) => describe(fs, node, list))) }],
			})),
		)
		const Layouts = list.map((volume) => layoutOf(fs, volume, nodes.some((node) => canTake(node, volume))))
		return answer(request, reply, 200, { Version: VERSION, Topology: { ...room, DataCenters, Layouts } })
	})

	app.get('/vol/status', { config: may, schema: { summary: 'Volumes', querystring: query() } }, async (request, reply) => {
		const list = await volumes.list(fs.catalogue)
		const counts = await counted(fs)
		const nodes = [...fs.nodes.values()]
		const DataCenters = Object.fromEntries(
			zonesOf(nodes).map(([zone, members]) => [
				zone,
				{ [RACK]: Object.fromEntries(members.map((node) => [node.name, inService(node) ? list.map((volume) => volumeOf(fs, volume, node, counts)) : []])) },
			]),
		)
		return answer(request, reply, 200, { Version: VERSION, Volumes: { ...sum(nodes.map(roomOf)), DataCenters } })
	})

	app.get('/cluster/status', { config: { access: 'read', byPath: true }, schema: { summary: 'The door that is asked', querystring: query() } }, async (request, reply) => {
		const list = await volumes.list(fs.catalogue)
		return answer(request, reply, 200, { IsLeader: true, Leader: request.host, Peers: [], MaxVolumeId: list.at(-1)?.id ?? 0 })
	})

	app.get('/healthz', { config: { access: 'open' }, schema: { summary: 'Whether requests can be served', querystring: query() } }, async (request, reply) => {
		const reasons = await reasonsAgainst({ fs, stopping: gateway.stopping })
		return answer(request, reply, reasons.length === 0 ? 200 : 503, reasons.length === 0 ? {} : { error: reasons.join(', ') })
	})
}

interface Room {
	Max: number
	Free: number
}

function roomOf({ space }: Node): Room {
	return { Max: Math.floor(space.capacity / VOLUME_BYTES), Free: Math.floor(space.free / VOLUME_BYTES) }
}

function sum(rooms: readonly Room[]): Room {
	return rooms.reduce((all, { Max, Free }) => ({ Max: all.Max + Max, Free: all.Free + Free }), { Max: 0, Free: 0 })
}

function zonesOf(nodes: readonly Node[]): Array<[string, Node[]]> {
	return Object.entries(Object.groupBy(nodes, ({ row }) => row.zone || NO_ZONE)) as Array<[string, Node[]]>
}

/** One that is away is listed, with since when and what hangs on it. */
async function describe(fs: Filesystem, node: Node, list: readonly ObjectVolumeRow[]): Promise<object> {
	const common = { Url: node.name, PublicUrl: node.name, EcShards: 0, ...roomOf(node) }
	if (inService(node)) return { ...common, Volumes: list.length, VolumeIds: rangesOf(list) }
	const { alone, looked } = await run(holdings.onlyCopies(fs.catalogue, node.id, LOOKED_AT_MAX))
	const down = { DownSince: node.health.since, Reason: node.health.reason, FilesAtRisk: alone, FilesLookedAt: looked }
	return { ...common, Volumes: 0, VolumeIds: '', ...down }
}

/** As they write them: ` 1-5 7`. */
function rangesOf(list: readonly ObjectVolumeRow[]): string {
	const ranges: Array<[number, number]> = []
	for (const { id } of list) {
		const last = ranges.at(-1)
		if (last && id === last[1] + 1) last[1] = id
		else ranges.push([id, id])
	}
	return ranges.map(([from, to]) => ` ${from === to ? from : `${from}-${to}`}`).join('')
}

function canTake(node: Node, { zone }: ObjectVolumeRow): boolean {
	return takesNewFiles(node) && (zone === '' || node.row.zone === zone)
}

function replicationText(fs: Filesystem, { collection }: ObjectVolumeRow): string {
	return replicationOf(classOf(fs, directoryOf(collection)))
}

function layoutOf(fs: Filesystem, volume: ObjectVolumeRow, isWritable: boolean): object {
	const { id, ttl, collection } = volume
	return { replication: replicationText(fs, volume), ttl, writables: isWritable ? [id] : [], collection, diskType: 'hdd' }
}

const UNITS = ['', 'm', 'h', 'd', 'w', 'M', 'y']

function volumeOf(fs: Filesystem, volume: ObjectVolumeRow, node: Node, counts: Counts): object {
	const { files = 0, bytes = 0 } = counts.get(volume.id) ?? {}
	const [centres, racks, servers] = [...replicationText(fs, volume)].map(Number)
	const ttl = parseTtl(volume.ttl)?.text ?? ''
	return {
		Id: volume.id,
		Size: bytes,
		ReplicaPlacement: { dc: centres, rack: racks, node: servers },
		Ttl: { Count: Number.parseInt(ttl || '0', 10), Unit: UNITS.indexOf(ttl.slice(-1)) },
		Collection: volume.collection,
		DiskType: '',
		Version: NEEDLE_VERSION,
		FileCount: files,
		DeleteCount: 0,
		DeletedByteCount: 0,
		ReadOnly: !canTake(node, volume),
		CompactRevision: COMPACTED,
	}
}
