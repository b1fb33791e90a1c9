/** What is true of the whole archive, from the figures of core/stats. */
import type { Driver } from '../catalogue/driver.ts'
import * as jobTable from '../catalogue/jobs.ts'
import * as nodeTable from '../catalogue/nodes.ts'
import * as proofs from '../catalogue/proofs.ts'
import * as verifyDays from '../catalogue/verify-days.ts'
import { type Op, wait } from '../op.ts'
import { overview, type Overview } from '../stats/overview.ts'
import { type Family, gaugeFamily, type Labels } from './family.ts'

const STATES = ['good', 'wanted', 'suspect', 'surplus'] as const

export function* catalogueFamilies(catalogue: Driver): Op<Family[]> {
	const found = yield* overview(catalogue)
	return [
		...standing(found),
		...elsewhere(found),
		...(yield* scrubbing(catalogue, found)),
		...(yield* running(catalogue)),
		gaugeFamily('cairn_writers', 'Files open for writing.', [[{}, found.writers]]),
		gaugeFamily('cairn_clients', 'Processes that have the tree open, as the catalogue knows them.', [[{}, found.clients.length]]),
	]
}

function standing({ tree, behind, copies, nodes, owed }: Overview): Family[] {
	const byCopies = copies.flatMap(({ class: name, rows }) => rows.map((row) => ({ labels: { class: name, copies: String(row.copies), standing: row.standing }, row })))
	const ofNodes = (of: 'files' | 'bytes') =>
		nodes.flatMap((node) => STATES.map((state): [Labels, number] => [{ node: node.name, state }, node[state][of]]))
	return [
		gaugeFamily('cairn_tree_files', 'Files in the tree, directories left out.', [[{}, tree.files]]),
		gaugeFamily('cairn_tree_directories', 'Directories in the tree.', [[{}, tree.directories]]),
		gaugeFamily('cairn_tree_bytes', 'Bytes of regular files.', [[{}, tree.bytes]]),
		gaugeFamily('cairn_uncounted_files', 'Files that changed and are not in these figures yet.', [[{}, behind]]),
		gaugeFamily('cairn_files', 'Files by class, number of copies, and whether that is what the class asks for.', byCopies.map(({ labels, row }) => [labels, row.files])),
		gaugeFamily('cairn_file_bytes', 'Bytes of files by class, number of copies, and whether that is what the class asks for.', byCopies.map(({ labels, row }) => [labels, row.bytes])),
		gaugeFamily('cairn_copies', 'Copies by node and state.', ofNodes('files')),
		gaugeFamily('cairn_copy_bytes', 'Bytes of copies by node and state.', ofNodes('bytes')),
		gaugeFamily('cairn_intents', 'Changes a node has yet to be told.', nodes.map((node) => [{ node: node.name }, node.intents])),
		gaugeFamily('cairn_conflicts', 'What was found on a node and waits to be decided.', nodes.map((node) => [{ node: node.name }, node.conflicts])),
		gaugeFamily('cairn_node_looked_after', 'Whether a replicator looks after the node.', nodes.map((node) => [{ node: node.name }, Number(node.lookedAfter)])),
		gaugeFamily(
			'cairn_owed_seconds',
			'How long what is owed takes at the pace of the last run.',
			owed.flatMap(({ kind, node, etaSeconds }) => (etaSeconds === undefined ? [] : [[{ kind, node }, etaSeconds] as [Labels, number]])),
		),
	]
}

/** Copies off this site. */
function elsewhere({ offsite, awaitingOffsite, at }: Overview): Family[] {
	const states = ['wanted', 'claimed', 'proved', 'failed'] as const
	const each = (of: 'files' | 'bytes') =>
		offsite.flatMap((row) => states.map((state): [Labels, number] => [{ site: row.site, class: row.class, state }, row[state][of]]))
	const proofs = new Map(offsite.flatMap(({ site, oldestProof }) => (oldestProof === null ? [] : [[site, at - oldestProof] as const])))
	return [
		gaugeFamily('cairn_offsite_files', 'Files by site and class: wanted there, claimed (proved ones too), proved, failed.', each('files')),
		gaugeFamily('cairn_offsite_bytes', 'Bytes by site and class: wanted there, claimed (proved ones too), proved, failed.', each('bytes')),
		gaugeFamily('cairn_offsite_awaiting_files', 'Files that fewer sites hold than their class asks for.', [[{}, awaitingOffsite.files]]),
		gaugeFamily('cairn_offsite_proof_age_seconds', 'How long ago the copy was proved that waits longest for it.', [...proofs].map(([site, age]) => [{ site }, age])),
	]
}

const TODAY_ONLY = 1

/** Of today: how the month went is in `cairn verify --status`. */
function* scrubbing(catalogue: Driver, { at, nodes }: Overview): Op<Family[]> {
	const names = new Map(nodes.map(({ id, name }) => [id, name]))
	const rows = (yield* wait(verifyDays.list(catalogue, TODAY_ONLY, catalogue.capabilities))).filter((row) => names.has(row.node_id))
	const oldest = nodes.length === 0 ? [] : ((yield* wait(catalogue.read(...nodes.map(({ id }) => proofs.oldestQuery(id))))) as Array<Array<{ at: number }>>)
	const of = (value: 'files' | 'bytes' | 'bad') => rows.map((row): [Labels, number] => [{ node: names.get(row.node_id) as string }, row[value]])
	return [
		gaugeFamily('cairn_scrubbed_files', 'Copies read and compared today (UTC).', of('files')),
		gaugeFamily('cairn_scrubbed_bytes', 'Bytes read and compared today (UTC).', of('bytes')),
		gaugeFamily('cairn_scrubbed_bad', 'Copies found bad today (UTC).', of('bad')),
		gaugeFamily(
			'cairn_oldest_proof_age_seconds',
			'How long ago the copy was read whole that waits longest to be read again.',
			nodes.flatMap(({ name }, index) => oldest[index].map((proof): [Labels, number] => [{ node: name }, at - proof.at])),
		),
	]
}

/** Work of replicators: when its last run began and ended, and whether that went well. */
function* running(catalogue: Driver): Op<Family[]> {
	const names = new Map((yield* wait(nodeTable.list(catalogue))).map(({ id, name }) => [id, name]))
	const rows = (yield* wait(jobTable.list(catalogue))).map((row) => {
		const [job, id] = row.name.split(':')
		return { row, labels: { job, node: id === undefined ? '' : (names.get(Number(id)) ?? '') } }
	})
	return [
		gaugeFamily('cairn_job_started_seconds', 'When the last run of a kind of work began, Unix time.', rows.map(({ row, labels }) => [labels, row.started])),
		gaugeFamily('cairn_job_ended_seconds', 'When it ended; 0: it runs, or was killed.', rows.map(({ row, labels }) => [labels, row.ended])),
		gaugeFamily('cairn_job_failed', 'Whether the last run failed: 1, or 0.', rows.map(({ row, labels }) => [labels, Number(jobTable.hasFailed(row))])),
	]
}
