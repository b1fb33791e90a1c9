/** `cairn verify --status`: how well the copies are proved, and what was read lately. */
import * as nodes from '../core/catalogue/nodes.ts'
import * as proofs from '../core/catalogue/proofs.ts'
import * as verifyDays from '../core/catalogue/verify-days.ts'
import type { NodeId } from '../core/ids.ts'
import { withCatalogue } from './catalogue.ts'
import { checkKnown } from './no-such.ts'
import { showSize } from './sizes.ts'
import { showAge, table } from './table.ts'
import type { Common, Deps } from './verb.ts'

const DAYS_SHOWN = 30
const DAY_MS = 86_400_000

interface Options extends Common {
	node?: string
	json: boolean
}

export interface VerifyStatus {
	nodes: NodeProofs[]
	/** Newest first. */
	days: Array<{ node: string; day: string; files: number; bytes: number; bad: number }>
}

interface NodeProofs {
	node: string
	copies: number
	neverProved: number
	suspect: number
	/** Seconds since the oldest proof; null: there is none. */
	oldestProofAge: number | null
}

export async function runStatus(options: Options, deps: Deps): Promise<void> {
	const status = await collect(options, deps)
	if (options.json) return deps.print(JSON.stringify(status, null, 2))
	for (const line of toLines(status)) deps.print(line)
}

function collect(options: Options, deps: Deps): Promise<VerifyStatus> {
	return withCatalogue(options, deps, async (driver) => {
		const rows = await nodes.list(driver)
		if (options.node !== undefined) checkKnown('node', options.node, rows)
		const names = new Map(rows.map((row) => [row.id, row.name]))
		const nameOf = (id: NodeId) => names.get(id) ?? `removed (${id})`
		const isWanted = ({ node_id }: { node_id: number }) => options.node === undefined || names.get(node_id) === options.node
		const clock = (await proofs.now(driver, driver.capabilities))?.now ?? 0
		const found = (await proofs.standings(driver)).filter(isWanted)
		const days = (await verifyDays.list(driver, DAYS_SHOWN, driver.capabilities)).filter(isWanted)
		return {
			nodes: found.map(({ node_id, copies, never, suspect, oldest }) => ({
				node: nameOf(node_id),
				copies,
				neverProved: never,
				suspect,
				oldestProofAge: oldest === null ? null : Math.max(0, clock - oldest),
			})),
			days: days.map(({ node_id, day, files, bytes, bad }) => ({
				node: nameOf(node_id), day: new Date(day * DAY_MS).toISOString().slice(0, 10), files, bytes, bad,
			})),
		}
	})
}

function toLines({ nodes: found, days }: VerifyStatus): string[] {
	const ages = (age: number | null) => (age === null ? '-' : showAge(age))
	return [
		...table(
			['NODE', 'COPIES', 'NEVER PROVED', 'IN DOUBT', 'OLDEST PROOF'],
			found.map((row) => [row.node, `${row.copies}`, `${row.neverProved}`, `${row.suspect}`, ages(row.oldestProofAge)]),
		),
		'',
		...table(
			['DAY', 'NODE', 'FILES', 'READ', 'BAD'],
			days.map((row) => [row.day, row.node, `${row.files}`, showSize(row.bytes), `${row.bad}`]),
		),
	]
}
