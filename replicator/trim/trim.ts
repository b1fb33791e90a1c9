/** Removing the copies of a node that are surplus: only after as many others as the class asks for were seen good now. */
import * as holdings from '../../core/catalogue/holdings.ts'
import * as proofs from '../../core/catalogue/proofs.ts'
import type { CopyRow } from '../../core/catalogue/proofs.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import type { Path } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { inService, takesChanges } from '../../core/nodes/service.ts'
import { run as drive } from '../../core/op.ts'
import { showPath } from '../../core/text.ts'
import { openHashing } from '../hashing/hashing.ts'
import { type Copy, type Facts, factsOf } from '../proof/facts.ts'
import { compareCopies, takeFirstHash } from '../proof/first-hash.ts'
import { candidates, type Search, see, seeOne } from '../proof/others.ts'
import { isLimited, paceOf } from '../rate.ts'
import type { Job, Replicator } from '../replicator.ts'
import { isEnough, isToStay } from './enough.ts'
import { doubt, prove } from './mark.ts'
import { createReasons, type Reasons } from './reasons.ts'
import { carryOutAll, decide, type Removal, type Request, takeBack } from './remove.ts'

export interface TrimOptions {
	/** Only say what would go. */
	dryRun?: boolean
}

const PAGE_ROWS = 200
/** Looked at together, and removed after one sync of the catalogue. */
const TOGETHER_MAX = 32

export const trim = (options: TrimOptions = {}): Job => ({ what: 'trim', work: (replicator) => work(replicator, options) })

interface Work {
	rep: Replicator
	options: TrimOptions
	search: Search
	reasons: Reasons
}

async function work(rep: Replicator, options: TrimOptions): Promise<void> {
	const { fs, node, run } = rep
	const { hashThreads, proofDays, verifyRates } = fs.config.replicator
	const hashing = openHashing(hashThreads)
	const pace = isLimited(verifyRates) ? paceOf(verifyRates) : undefined
	const onBad: Search['onBad'] = async (holder, facts, bad) => {
		run.note(`${showPath(facts.paths[0])}: the copy on ${holder.name} does not count: ${bad.why}`)
		// Without a hash it was held against another copy, and either may be the bad one.
		if (facts.hash && bad.is === 'wrong' && bad.reason === 'damaged' && !options.dryRun) await doubt(rep, facts, holder.id)
	}
	// Of a node that is emptied nothing is believed that is not read now.
	const search: Search = { fs, hashing, proofDays: node.row.state === 'drain' ? 0 : proofDays, options: { pace, signal: run.signal }, onBad }
	const reasons = createReasons()
	try {
		const { files, bytes } = await drive(holdings.amountIn(fs.catalogue, node.id, REPLICA.surplus))
		run.expect(files, bytes)
		for (let after = 0; !run.signal.aborted; ) {
			await drive(catchUp(fs))
			const rows = await proofs.ofState(fs.catalogue, node.id, REPLICA.surplus, { after, limit: PAGE_ROWS })
			if (rows.length === 0) break
			after = rows[rows.length - 1].file_id
			for (let at = 0; at < rows.length && !run.signal.aborted; at += TOGETHER_MAX) {
				await trimSome({ rep, options, search, reasons }, rows.slice(at, at + TOGETHER_MAX))
			}
		}
	} finally {
		hashing.end()
		for (const line of reasons.lines()) run.note(`${node.name}: ${line}`)
	}
}

/** What is to become of a copy. Undefined: the run is to end before that is known. */
type Plan = { remove: Request } | { again: Facts } | { kept: string; path: Path | string } | undefined

async function trimSome(work: Work, rows: readonly CopyRow[]): Promise<void> {
	const { fs, run } = work.rep
	const plans = await Promise.all(rows.map((row) => plan(work, row)))
	const removals: Removal[] = []
	try {
		for (const [index, each] of plans.entries()) {
			if (!each) continue
			const outcome = 'remove' in each ? await remove(work, each.remove, removals) : 'again' in each ? await reinstate(work, each.again) : keep(work, each)
			if (outcome) run.done(outcome, outcome === 'removed' ? rows[index].size : 0)
		}
	} finally {
		await carryOutAll(fs, removals)
	}
}

async function plan({ rep, search, options }: Work, row: CopyRow): Promise<Plan> {
	const { fs, node } = rep
	const known = await drive(factsOf(fs, fs.catalogue, row.file_id))
	if (!known || known.paths.length === 0) return { kept: known ? 'it has too many names' : 'it has gone meanwhile', path: `file ${row.file_id}` }
	const [path] = known.paths
	if (known.isWritten) return { kept: 'it is being written', path }
	if (!takesChanges(node)) return { kept: 'the node takes no changes now', path }
	const first = await (options.dryRun ? compareCopies : takeFirstHash)(rep, search, known)
	if (rep.run.signal.aborted) return undefined
	if (first === 'changed') return { kept: 'it has changed meanwhile', path }
	if ('differ' in first) return { kept: first.differ, path }
	const facts = { ...known, hash: first.hash }
	const { rule } = facts
	const copies = candidates(fs, facts, node.id, isToStay)
	const mayDo = isEnough(rule, copies.map((copy) => fs.nodes.get(copy.node_id) as Node), node)
	const seen = mayDo ? await see(search, facts, copies, (those) => isEnough(rule, those.map((each) => each.node), node)) : []
	if (isEnough(rule, seen.map((each) => each.node), node)) return { remove: { facts, seen } }
	if (rep.run.signal.aborted) return undefined
	if (!options.dryRun) await prove(rep, facts, seen)
	if (isNeeded(rep, facts, row)) return { again: facts }
	if (!mayDo && copies.length < rule.copies) return { kept: `only ${copies.length} of ${rule.copies} other copies are within reach`, path }
	return { kept: seen.length < rule.copies ? `only ${seen.length} of ${rule.copies} other copies could be seen good` : 'no other copy is in its zone', path }
}

/** Also counting copies out of reach and those about to be made, there are fewer than the class asks for. */
function isNeeded({ fs, node }: Replicator, facts: Facts, row: CopyRow): boolean {
	if (row.version !== facts.version || !isToStay(node)) return false
	const holders = facts.copies.filter((copy) => copy.node_id !== node.id && isOrWillBeGood(fs, facts, copy)).map((copy) => fs.nodes.get(copy.node_id) as Node)
	return !isEnough(facts.rule, holders, node)
}

function isOrWillBeGood(fs: Filesystem, { version }: Facts, copy: Copy): boolean {
	const holder = fs.nodes.get(copy.node_id)
	if (!holder || !isToStay(holder)) return false
	return copy.state === REPLICA.wanted ? inService(holder) : copy.state === REPLICA.good && copy.version === version
}

async function remove({ rep, options, reasons }: Work, request: Request, removals: Removal[]): Promise<string> {
	if (options.dryRun) return 'to be removed'
	const decision = await decide(rep, request)
	if ('kept' in decision) return reasons.add(decision.kept, request.facts.paths[0])
	removals.push(decision.removal)
	for (const { path, aside } of decision.removal.strays) rep.run.note(`${showPath(path)}: node ${rep.node.name} has something else there, kept as ${aside}; see cairn conflicts list`)
	return 'removed'
}

async function reinstate({ rep, options, search, reasons }: Work, facts: Facts): Promise<string | undefined> {
	const [path] = facts.paths
	const copy = facts.copies.find(({ node_id }) => node_id === rep.node.id)
	const own = copy && (await seeOne({ ...search, proofDays: 0 }, facts, copy))
	if (!own && rep.run.signal.aborted) return undefined
	if (!own) return reasons.add('it is needed, and cannot be seen good', path)
	if (options.dryRun) return 'to be kept for good'
	return (await takeBack(rep, facts, own)) ? 'good again' : reasons.add('it has changed meanwhile', path)
}

function keep({ reasons }: Work, { kept, path }: { kept: string; path: Path | string }): string {
	return reasons.add(kept, path)
}
