/** Runs that failed the last time, newest first. */
import { hasFailed } from '../catalogue/jobs.ts'
import type { Rows } from './rows.ts'

export interface Failure {
	job: string
	/** Undefined: of the whole tree. */
	node: string | undefined
	/** Unix seconds. */
	at: number
	error: string
}

export function failuresOf({ jobs, nodes }: Rows): Failure[] {
	return jobs
		.filter(hasFailed)
		.map(({ name, ended, summary }) => {
			const [job, id] = name.split(':')
			const { error = '' } = JSON.parse(summary) as { error?: string }
			return { job, node: nodes.find((node) => node.id === Number(id))?.name, at: ended, error }
		})
		.sort((a, b) => b.at - a.at)
}
