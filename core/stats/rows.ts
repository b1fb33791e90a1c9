/** The rows that where things stand is made of. */
import type { ClassRow } from '../catalogue/classes.ts'
import type { Amount } from '../catalogue/holdings.ts'
import type { JobRow } from '../catalogue/jobs.ts'
import type { SiteProof } from '../catalogue/site-proofs.ts'
import type { CopiesRow, NodeFiguresRow, OffsiteRow, SiteFiguresRow } from '../catalogue/stat-figures.ts'
import type { NodeRow } from '../nodes/node.ts'

export interface Rows {
	/** Unix seconds, by the database's clock. */
	now: number
	classes: ClassRow[]
	nodes: NodeRow[]
	copies: CopiesRow[]
	held: NodeFiguresRow[]
	jobs: JobRow[]
	/** Names of those that are held. */
	leases: Set<string>
	/** How many, by node. */
	intents: Map<number, number>
	conflicts: Map<number, number>
	elsewhere: OffsiteRow[]
	atSites: SiteFiguresRow[]
	sites: SiteProof[]
}

export function figuresIn(rows: readonly NodeFiguresRow[], state: number): Amount {
	const found = rows.filter((row) => row.state === state)
	return { files: found.reduce((many, row) => many + row.files, 0), bytes: found.reduce((many, row) => many + row.bytes, 0) }
}

