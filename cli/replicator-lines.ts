/** What a daemon says: a line for each run that did something, each trouble once an hour; or events as JSON. */
import { jsonPath, showPath } from '../core/text.ts'
import { createRepeats } from '../replicator/service/repeats.ts'
import type { NodeWork } from '../replicator/service/node-service.ts'
import { filesSeen, summaryLine } from './progress-text.ts'
import type { Deps } from './verb.ts'

/** Of one run: how many there were in all is in its summary. */
const TROUBLES_SAID_MAX = 20

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
	const once = (line: string) => {
		const isNews = repeats.isNews(line)
		if (isNews) warn(line)
		return isNews
	}
	return {
		note: warn,
		ready: (names) => warn(names.length > 0 ? `looking after ${names.join(', ')}` : 'no node is a disk of this machine yet; others are named with --node'),
		show(job, node) {
			const title = `${job} ${node.name}`
			let said = 0
			return {
				watcher: {
					trouble(path, why) {
						if (said < TROUBLES_SAID_MAX && once(`${title}: ${showPath(path)}: ${why}`)) said++
					},
					note: (line) => once(line),
				},
				// Runs that did nothing, or only met what was said within the hour, say nothing.
				end: (summary) => (Object.keys(summary.outcomes).length > 0 || said > 0) && warn(summaryLine(title, summary)),
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
					trouble: (path, why) => tell('trouble', { ...run, ...jsonPath(path), why }),
					note: (line) => tell('note', { ...run, line }),
				},
				end: (summary) => tell('summary', { ...run, files: filesSeen(summary), ...summary, left: summary.troubles }),
				elsewhere: (holder) => tell('elsewhere', { ...run, holder }),
				failed: (error) => tell('failed', { ...run, why: error.message }),
			}
		},
	}
}
