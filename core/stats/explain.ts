/** One file, explained: the rule it falls under, each of its copies, what is owed and why that is not done yet. */
import { BACKUP, isHeld } from '../catalogue/backups.ts'
import type { ClassRow } from '../catalogue/classes.ts'
import * as clientTable from '../catalogue/clients.ts'
import type { EntryRow } from '../catalogue/entries.ts'
import * as entries from '../catalogue/entries.ts'
import type { FileRow } from '../catalogue/files.ts'
import { hashOf } from '../catalogue/hashes.ts'
import { KIND } from '../catalogue/files.ts'
import { hasCopies } from '../catalogue/holdings.ts'
import type { IntentRow } from '../catalogue/intents.ts'
import * as intents from '../catalogue/intents.ts'
import * as jobs from '../catalogue/jobs.ts'
import * as leases from '../catalogue/leases.ts'
import * as nodeTable from '../catalogue/nodes.ts'
import type { ExplainedBackupRow, ExplainedCopyRow, HashedFileRow } from '../catalogue/explained.ts'
import * as explained from '../catalogue/explained.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import * as writers from '../catalogue/writers.ts'
import type { WriterRow } from '../catalogue/writers.ts'
import { fail } from '../errors.ts'
import { isInTrash } from '../filesystem/trash-paths.ts'
import type { FileId, NodeId } from '../ids.ts'
import type { NodeRow } from '../nodes/node.ts'
import { isScratch } from '../filesystem/scratch.ts'
import { type Op, wait } from '../op.ts'
import { classById, classOf, fits } from '../placement/placement.ts'
import { type Asker, type Circumstances, clientName, type ExplainedCopy, type Explanation, type OffsiteCopy } from './explanation.ts'
import { pathsFrom } from './paths.ts'
import { whyMissing, whyNotYet } from './reasons.ts'

const NAMES_MAX = 100
const INTENTS_MAX = 1_000
const STATES = { [REPLICA.good]: 'good', [REPLICA.wanted]: 'wanted', [REPLICA.suspect]: 'suspect', [REPLICA.surplus]: 'surplus' } as const

export function* explain(asker: Asker, id: FileId, classes: readonly ClassRow[]): Op<Explanation> {
	const { catalogue } = asker
	const [[row], copies, pins, backups, nodes, names] = (yield* wait(
		catalogue.read(
			explained.fileQuery(id), explained.copiesQuery(id), writers.ofFileQuery(id), explained.backupsQuery(id), nodeTable.listQuery(),
			entries.namesQuery(id, NAMES_MAX),
		),
	)) as [HashedFileRow[], ExplainedCopyRow[], WriterRow[], ExplainedBackupRow[], NodeRow[], EntryRow[]]
	if (!row) return fail('ENOENT')
	const paths = yield* pathsFrom(catalogue, id, names)
	const found = yield* circumstances(asker, { row, paths, copies, pins, nodes, classes })
	const offsite = backups.map((backup) => toOffsite(backup, row))
	return { ...toExplanation(found, row, classes), offsite, missingOffsite: missingOffsite(found, offsite) }
}

/** What nobody asks of a file that has all it should have is not looked up. */
function* circumstances(
	asker: Asker,
	{ row, nodes, classes, ...known }: Pick<Circumstances, 'paths' | 'copies' | 'pins'> & { row: FileRow; nodes: NodeRow[]; classes: readonly ClassRow[] },
): Op<Circumstances> {
	const { catalogue } = asker
	const { copies, pins } = known
	const rule = classById({ classes: [...classes] }, row.class_id)
	const all = {
		...known, asker, file: row, rule, nodes: new Map(nodes.map((node) => [node.id, node])), clients: [], intents: [], leases: new Set<string>(), jobs: [], waiting: new Map(),
	}
	const isWhole = pins.length === 0 && copies.length === rule.copies && copies.every((copy) => copy.state === REPLICA.good && copy.version === row.version)
	if (isWhole) return all
	const owing = copies.filter((copy) => copy.state !== REPLICA.good)
	const answers = yield* wait(
		catalogue.read(...owing.map(({ node_id }) => intents.standingQuery(node_id, INTENTS_MAX)), explained.waitingQuery()),
	)
	return {
		...all,
		clients: pins.length > 0 ? yield* wait(clientTable.list(catalogue, catalogue.capabilities)) : [],
		intents: answers.slice(0, -1).flat() as IntentRow[],
		leases: new Set((yield* wait(leases.list(catalogue, catalogue.capabilities))).map(({ name }) => name)),
		jobs: yield* wait(jobs.list(catalogue)),
		waiting: new Map((answers.at(-1) as Array<{ node_id: NodeId; files: number }>).map(({ node_id, files }) => [node_id, files])),
	}
}

function toExplanation(found: Circumstances, row: HashedFileRow, classes: readonly ClassRow[]): Omit<Explanation, 'offsite' | 'missingOffsite'> {
	const { paths, rule, nodes, copies, pins } = found
	const keepsCopies = hasCopies(row)
	const now = keepsCopies && paths.length > 0 ? paths.map((path) => classOf({ classes: [...classes] }, path)) : []
	const isByDefault = now.some(({ id }) => id === rule.id) && !paths.some((path) => fits(rule, path))
	const staying = copies.filter((copy) => copy.state !== REPLICA.surplus).length
	return {
		id: row.id,
		kind: row.kind,
		paths,
		size: row.size,
		version: row.version,
		mtime: row.mtime,
		hash: hashOf(row),
		hasCopies: keepsCopies,
		class: {
			name: rule.name, pattern: isByDefault ? '' : rule.pattern, copies: rule.copies, zones: rule.zones, offsite: rule.offsite,
			becomes: now.length > 0 && !now.some(({ id }) => id === rule.id) ? now[0].name : undefined,
		},
		good: copies.filter((copy) => copy.state === REPLICA.good && copy.version === row.version).length,
		copies: copies.map((copy) => toCopy(found, copy)),
		missing: keepsCopies && staying < rule.copies && row.version > 0 ? { copies: rule.copies - staying, why: whyMissing(found) } : undefined,
		writers: pins.map((pin) => ({ node: nodes.get(pin.node_id)?.name ?? `#${pin.node_id}`, client: clientName(found, pin) })),
	}
}

const ELSEWHERE: Record<number, OffsiteCopy['state']> = {
	[BACKUP.wanted]: 'wanted', [BACKUP.spare]: 'spare', [BACKUP.claimed]: 'claimed', [BACKUP.proved]: 'proved', [BACKUP.failed]: 'failed',
}

function toOffsite({ site, version, state, proved_at: provedAt }: ExplainedBackupRow, row: HashedFileRow): OffsiteCopy {
	const isOld = isHeld({ state }) && version !== row.version
	return { site, version, state: isOld ? 'outdated' : ELSEWHERE[state], provedAt: provedAt > 0 ? provedAt : undefined }
}

function missingOffsite({ file, paths, rule }: Circumstances, offsite: readonly OffsiteCopy[]): Explanation['missingOffsite'] {
	const copies = rule.offsite - offsite.filter(({ state }) => state === 'claimed' || state === 'proved').length
	if (copies <= 0 || file.kind !== KIND.regular || file.version === 0 || !paths.some((path) => !isInTrash(path) && !isScratch(path))) return undefined
	const fetching = offsite.filter(({ state }) => state === 'wanted' || state === 'failed' || state === 'outdated').map(({ site }) => site)
	if (fetching.length === 0) return { copies, why: 'there is no other site that takes it' }
	return { copies, why: `${fetching.join(', ')} ${fetching.length === 1 ? 'fetches' : 'fetch'} it${fetching.length < copies ? ', and no other site takes it' : ''}` }
}

function toCopy(found: Circumstances, copy: ExplainedCopyRow): ExplainedCopy {
	const node = found.nodes.get(copy.node_id)
	return {
		node: node?.name ?? `#${copy.node_id}`,
		nodeId: copy.node_id,
		zone: node?.zone ?? '',
		nodeState: node?.state ?? 'dead',
		state: STATES[copy.state as keyof typeof STATES],
		version: copy.version,
		provedAt: copy.verified_at ?? undefined,
		owed: whyNotYet(found, copy),
	}
}
