/** Table `verify_day`: what verification did, by node and day, for people and graphs. Days and time are the database's. */
import type { NodeId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Capabilities, Reader, Transaction } from './driver.ts'

export interface VerifyDayRow {
	node_id: NodeId
	/** Since 1970. */
	day: number
	files: number
	bytes: number
	bad: number
}

export type Verified = Pick<VerifyDayRow, 'files' | 'bytes' | 'bad'>

const DAY_SECONDS = 86_400

/** Whole days: a plain division is not whole in every database. */
function today({ now }: Capabilities): string {
	return `((${now} - ${now} % ${DAY_SECONDS}) / ${DAY_SECONDS})`
}

export function add(tx: Transaction, node: NodeId, { files, bytes, bad }: Verified, capabilities: Capabilities): void {
	const day = today(capabilities)
	tx.write(`${capabilities.insertIgnore} INTO verify_day (node_id, day) VALUES (?, ${day})`, [node])
	tx.write(`UPDATE verify_day SET files = files + ?, bytes = bytes + ?, bad = bad + ? WHERE node_id = ? AND day = ${day}`, [files, bytes, bad, node])
}

/** The last `days` days on which anything was verified, newest first. */
export function list(reader: Reader, days: number, capabilities: Capabilities): Maybe<VerifyDayRow[]> {
	return reader.all<VerifyDayRow>(
		`SELECT node_id, day, files, bytes, bad FROM verify_day WHERE day > ${today(capabilities)} - ? ORDER BY day DESC, node_id`,
		[days],
	)
}
