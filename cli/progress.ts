/** How a run is shown: a bar on a terminal, plain lines elsewhere, JSON events when asked. */
import type { Summary, Watcher } from '../replicator/run.ts'
import { showSize } from './sizes.ts'
import type { Deps } from './verb.ts'

export interface View {
	watcher: Watcher
	/** What the run counted, or nothing when it could not begin. */
	end(summary: Summary | undefined): void
	/** Another process is at it. */
	elsewhere(holder: string): void
}

export function showRun(title: string, { json, quiet }: { json: boolean; quiet: boolean }, deps: Deps): View {
	if (json) return showEvents(title, deps)
	const say = quiet ? () => undefined : deps.print
	return {
		watcher: {
			trouble: (path, why) => deps.warn(`${title}: ${path}: ${why}`),
			note: (line) => deps.warn(line),
		},
		end: (summary) => summary && say(`${title}: ${toLine(summary)}`),
		elsewhere: (holder) => say(`${title}: under way already (${holder})`),
	}
}

function showEvents(run: string, { print }: Deps): View {
	const tell = (event: string, fields: object) => print(JSON.stringify({ event, run, ...fields }))
	return {
		watcher: {
			trouble: (path, why) => tell('trouble', { path, why }),
			note: (line) => tell('note', { line }),
		},
		end: (summary) => summary && tell('summary', summary),
		elsewhere: (holder) => tell('elsewhere', { holder }),
	}
}

function toLine({ outcomes, bytes, troubles, stopped, seconds }: Summary): string {
	const counts = Object.entries(outcomes).map(([word, many]) => `${many} ${word}`)
	const parts = [...counts, ...(troubles > 0 ? [`${troubles} left`] : [])]
	return `${parts.join(', ') || 'nothing to do'}; ${showSize(bytes)} in ${seconds.toFixed(1)} s${stopped ? '; stopped' : ''}`
}
