/** What is to be done about a copy, and what it waits for: in words. */
import type { ExplainedCopyRow } from '../catalogue/explained.ts'
import * as jobs from '../catalogue/jobs.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import { rateAt } from '../config/rates.ts'
import { standsInTheWay } from '../in-the-way.ts'
import type { NodeRow } from '../nodes/node.ts'
import { reserveBytes } from '../placement/placement.ts'
import { type Circumstances, clientName, type ExplainedCopy } from './explanation.ts'

const WHAT: Partial<Record<number, string>> = {
	[REPLICA.wanted]: 'to be copied there',
	[REPLICA.suspect]: 'in doubt: to be read again, and replaced by a good one',
	[REPLICA.surplus]: 'one too many: to be removed, once enough others were seen',
}

/** The kind of work that does it. */
const JOB: Partial<Record<number, string>> = { [REPLICA.wanted]: 'replicate', [REPLICA.suspect]: 'verify', [REPLICA.surplus]: 'trim' }

export function whyNotYet(found: Circumstances, copy: ExplainedCopyRow): ExplainedCopy['owed'] {
	const node = found.nodes.get(copy.node_id)
	const what = WHAT[copy.state]
	if (!what) return whyNotReadable(found, copy, node)
	if (!node) return { what, why: ['its node is unknown'] }
	const why = [...reasons(found, copy, node)]
	return { what, why: why.length > 0 ? why : [nextTurn(found, copy, node)] }
}

/** Good, but of no use at the moment. */
function whyNotReadable(found: Circumstances, { version }: ExplainedCopyRow, node: NodeRow | undefined): ExplainedCopy['owed'] {
	const why = node ? outOfService(found, node) : 'its node is unknown'
	if (why) return { what: 'good, but out of reach', why: [why] }
	return version === found.file.version ? undefined : { what: 'of an older version', why: ['the file was written since'] }
}

function* reasons(found: Circumstances, copy: ExplainedCopyRow, node: NodeRow): Generator<string> {
	const { pins, intents, paths, file, asker, leases } = found
	const away = outOfService(found, node)
	if (away) yield away
	for (const pin of pins) yield `it is open for writing on ${found.nodes.get(pin.node_id)?.name ?? pin.node_id} (${clientName(found, pin)})`
	const standing = intents.find((intent) => intent.node_id === node.id && paths.some((path) => standsInTheWay(intent, path)))
	if (standing) yield `an earlier ${standing.op} on its path is still to be carried out on ${node.name}`
	if (!leases.has(jobs.jobName('replicator', node.id))) yield `no replicator looks after ${node.name}`
	if (copy.state !== REPLICA.wanted) return
	if (!found.copies.some((other) => isSource(found, other))) yield 'no good copy is within reach to copy it from'
	if (rateAt(asker.copyRates, new Date().getHours()) === 0) yield 'nothing is copied at this hour (replicator.copyRates)'
	if (away) return
	const { capacityBytes, freeBytes } = asker.see(node)
	const reserve = reserveBytes({ row: node, space: { capacity: capacityBytes } })
	if (freeBytes - file.size <= reserve) yield `${node.name} has no room: ${freeBytes} bytes free, ${reserve} kept free, ${file.size} needed`
}

function isSource(found: Circumstances, { node_id, version, state }: ExplainedCopyRow): boolean {
	const node = found.nodes.get(node_id)
	const isGood = (state === REPLICA.good || state === REPLICA.surplus) && version === found.file.version
	return isGood && node !== undefined && outOfService(found, node) === undefined
}

const OUT_OF_SERVICE = new Set(['down', 'dead'])

function outOfService({ asker }: Circumstances, node: NodeRow): string | undefined {
	if (OUT_OF_SERVICE.has(node.state)) return `node ${node.name} is ${node.state} since ${when(node.since)}`
	const { up, since, reason } = asker.see(node)
	return up ? undefined : `node ${node.name} is away${since === undefined ? '' : ` since ${when(since)}`}: ${reason}`
}

function when(seconds: number): string {
	return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** Nothing stands in its way. */
function nextTurn({ jobs: rows, waiting }: Circumstances, { state }: ExplainedCopyRow, node: NodeRow): string {
	const job = rows.find(({ name }) => name === jobs.jobName(JOB[state] ?? '', node.id))
	const failed = job?.state === 'failed' ? `; the last run there failed: ${(JSON.parse(job.summary) as { error?: string }).error ?? 'no reason given'}` : ''
	const many = state === REPLICA.wanted ? (waiting.get(node.id) ?? 0) : 0
	return `its turn has not come${many > 1 ? `: ${many} copies are to be made on ${node.name}` : ''}${failed}`
}

/** Copies nobody was asked to make. */
export function whyMissing(found: Circumstances): string {
	const { nodes, copies, file, asker, rule } = found
	const others = [...nodes.values()].filter((node) => node.state === 'rw' && !copies.some((copy) => copy.node_id === node.id && copy.state !== REPLICA.surplus))
	if (others.length === 0) return `the class asks for ${rule.copies}, and there is no other node that takes new files`
	const roomy = others.filter((node) => {
		const { capacityBytes, freeBytes } = asker.see(node)
		return freeBytes - file.size > reserveBytes({ row: node, space: { capacity: capacityBytes } })
	})
	if (roomy.length === 0) return 'no other node has room for it beyond what it keeps free'
	return 'a node is chosen when the replicators next go through the tree'
}
