/** What a daemon says: a line for each run that did something, each trouble once an hour; or events as JSON. */
import { createRepeats } from '../replicator/service/repeats.ts'
import type { NodeWork } from '../replicator/service/node-service.ts'
import { filesSeen, summaryLine } from './progress-text.ts'
import type { Deps } from './verb.ts'

export interface ServiceLines {
	show: NodeWork['show']
	note(line: string): void
	ready(names: string[]): void
}

export function showService(json: boolean, deps: Pick<Deps, 'print' | 'warn'>): ServiceLines {
	return json ? asEvents(deps) : asLines(deps)
}

function asLines({ warn }: Pick<Deps, 'warn'>): ServiceLines {
	const repeats = createRepeats()
	const once = (line: string) => repeats.isNews(line) && warn(line)
	return {
		note: warn,
		ready: (names) => warn(names.length > 0 ? `looking after ${names.join(', ')}` : 'no node is a disk of this machine yet'),
		show(job, node) {
			const title = `${job} ${node.name}`
			return {
				watcher: {
					trouble: (path, why) => once(`${title}: ${path}: ${why}`),
					note: (line) => once(line),
				},
				end: (summary) => Object.keys(summary.outcomes).length > 0 && warn(summaryLine(title, summary)),
				elsewhere: () => undefined,
				failed: (error) => once(`${title}: ${error.message}`),
			}
		},
	}
}

function asEvents({ print }: Pick<Deps, 'print'>): ServiceLines {
	const tell = (event: string, fields: object) => print(JSON.stringify({ event, at: Math.floor(Date.now() / 1000), ...fields }))
	return {
		note: (line) => tell('note', { line }),
		ready: (nodes) => tell('ready', { nodes }),
		show(job, { name: node }) {
			const run = { job, node }
			tell('start', run)
			return {
				watcher: {
					trouble: (path, why) => tell('trouble', { ...run, path, why }),
					note: (line) => tell('note', { ...run, line }),
				},
				end: (summary) => tell('summary', { ...run, files: filesSeen(summary), ...summary, left: summary.troubles }),
				elsewhere: (holder) => tell('elsewhere', { ...run, holder }),
				failed: (error) => tell('failed', { ...run, why: error.message }),
			}
		},
	}
}
