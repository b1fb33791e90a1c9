/** Table `job`: what replicators do again and again, how far they came and when they last did it. */
import type { NodeId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'

export type JobState = 'running' | 'paused' | 'done' | 'failed'

export interface JobRow {
	name: string
	state: JobState
	/** Unix seconds, of the last run. */
	started: number
	/** 0: not yet, or it was killed. */
	ended: number
	/** Where a run that was stopped goes on; null: from the start. What it says is the job's own affair. */
	position: Uint8Array | null
	/** JSON: what the last run counted. */
	summary: string
}

const COLUMNS = 'name, state, started, ended, position, summary'

/** Of one node, or of the whole tree. */
export function jobName(what: string, node?: NodeId): string {
	return node === undefined ? what : `${what}:${node}`
}

export function find(reader: Reader, name: string): Maybe<JobRow | undefined> {
	return reader.get<JobRow>(...findQuery(name))
}

export function findQuery(name: string): Query {
	return [`SELECT ${COLUMNS} FROM job WHERE name = ?`, [name]]
}

export function list(reader: Reader): Maybe<JobRow[]> {
	return reader.all<JobRow>(`SELECT ${COLUMNS} FROM job ORDER BY name`)
}

/** The last run went wrong; what a keeper gave up did not. */
export function hasFailed({ state, summary }: JobRow): boolean {
	return state === 'failed' && !(JSON.parse(summary) as { aborted?: boolean }).aborted
}

/** A run begins; where the last one stopped is kept. */
export function begin(tx: Transaction, name: string, { now, replace }: Capabilities): void {
	const end = replace('name', ['state', 'started', 'ended'])
	tx.write(`INSERT INTO job (name, state, started, ended, summary) VALUES (?, 'running', ${now}, 0, '{}') ${end}`, [name])
}

export function setPosition(tx: Transaction, name: string, position: Uint8Array | null): void {
	tx.write('UPDATE job SET position = ? WHERE name = ?', [position, name])
}

export function setState(tx: Transaction, name: string, state: JobState): void {
	tx.write('UPDATE job SET state = ? WHERE name = ?', [state, name])
}

/** A run ended by itself; `summary` is what it counted, as JSON. */
export function end(tx: Transaction, name: string, { state, summary }: { state: JobState; summary: string }, { now }: Capabilities): void {
	tx.write(`UPDATE job SET state = ?, ended = ${now}, summary = ? WHERE name = ?`, [state, summary, name])
}
