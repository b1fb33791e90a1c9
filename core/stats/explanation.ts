/** What an explanation says, and what it is made from. */
import type { ClassRow } from '../catalogue/classes.ts'
import type { ClientRow } from '../catalogue/clients.ts'
import type { Driver } from '../catalogue/driver.ts'
import type { ExplainedCopyRow } from '../catalogue/explained.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { IntentRow } from '../catalogue/intents.ts'
import type { JobRow } from '../catalogue/jobs.ts'
import type { WriterRow } from '../catalogue/writers.ts'
import type { RateConfig } from '../config/types.ts'
import type { FileId, NodeId, Path } from '../ids.ts'
import type { NodeRow, NodeState } from '../nodes/node.ts'

export interface Explanation {
	id: FileId
	kind: number
	/** All its names, from the root of the tree; the first 100 of them. */
	paths: Path[]
	size: number
	version: number
	/** Unix seconds. */
	mtime: number
	/** SHA-256 of this version, where it is known. */
	hash: Buffer | undefined
	/** Of a kind that has copies: regular files and symlinks. */
	hasCopies: boolean
	class: ExplainedClass
	/** Good at the file's version. */
	good: number
	copies: ExplainedCopy[]
	/** Copies the class asks for that nobody has been asked to make, and why. */
	missing: { copies: number; why: string } | undefined
	writers: Writer[]
	/** Off this site. */
	offsite: OffsiteCopy[]
	/** Copies off this site that the class asks for and no site holds, and why. */
	missingOffsite: { copies: number; why: string } | undefined
}

export interface ExplainedClass {
	name: string
	/** The regular expression that chose it; '' matches everything, and stands for the last class where none matches. */
	pattern: string
	copies: number
	zones: number
	offsite: number
	/** The class its path falls under now, where that is another. */
	becomes: string | undefined
}

export interface ExplainedCopy {
	node: string
	nodeId: NodeId
	zone: string
	nodeState: NodeState
	state: 'good' | 'wanted' | 'suspect' | 'surplus'
	version: number
	/** Unix seconds; when it was last read whole and had the hash. */
	provedAt: number | undefined
	/** What is to be done about it, and what that waits for. */
	owed: { what: string; why: string[] } | undefined
}

export interface Writer {
	node: string
	/** `mount /mnt/all, process 12 on jam`. */
	client: string
}

export interface OffsiteCopy {
	site: string
	version: number
	/** spare: wanted by nobody, would be taken. outdated: of an older version. */
	state: 'wanted' | 'spare' | 'claimed' | 'proved' | 'failed' | 'outdated'
	provedAt: number | undefined
}

/** What is known of whether a node answers, and of its room. */
export interface Seen {
	up: boolean
	/** Unix seconds, where it is known. */
	since: number | undefined
	reason: string
	capacityBytes: number
	freeBytes: number
}

export interface Asker {
	catalogue: Driver
	/** Of this machine's replicators. */
	copyRates: readonly RateConfig[]
	see(node: NodeRow): Seen
}

export interface Circumstances {
	asker: Asker
	file: FileRow
	paths: Path[]
	rule: ClassRow
	nodes: ReadonlyMap<NodeId, NodeRow>
	copies: readonly ExplainedCopyRow[]
	pins: readonly WriterRow[]
	clients: readonly ClientRow[]
	intents: readonly IntentRow[]
	/** Names of leases that are held. */
	leases: ReadonlySet<string>
	jobs: readonly JobRow[]
	/** Copies wanted on each node. */
	waiting: ReadonlyMap<NodeId, number>
}

export function clientName({ clients }: Pick<Circumstances, 'clients'>, { client_id }: WriterRow): string {
	const client = clients.find(({ id }) => id === client_id)
	return client ? `${client.what}, process ${client.pid} on ${client.host}` : `client ${client_id}`
}
