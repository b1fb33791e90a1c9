/** How a run is shown: a bar on a terminal, plain lines elsewhere, JSON events when asked. */
import type { Summary, Watcher } from '../replicator/run.ts'
import { jsonPath, showPath } from '../core/text.ts'
import { createMeter, type Meter } from './progress-meter.ts'
import { barLine, filesSeen, plainLine, summaryLine } from './progress-text.ts'
import type { Deps } from './verb.ts'

export interface View {
	watcher: Watcher
	/** What the run counted, or nothing when it could not begin. */
	end(summary: Summary | undefined): void
	/** Another process is at it. */
	elsewhere(holder: string): void
}

/** Where and when lines are drawn. */
export interface Screen {
	isTerminal: boolean
	columns(): number
	/** As it is, without a new line. */
	draw(text: string): void
	nowMs(): number
	/** Calls `round` again and again; the result ends it. */
	every(ms: number, round: () => void): () => void
}

const BAR_MS = 100
const LINE_FIRST_MS = 5_000
const LINE_MS = 30_000
const EVENT_MS = 1_000
const COLUMNS_DEFAULT = 80
const CLEAR = '\r\x1b[K'

const standardError: Screen = {
	isTerminal: process.stderr.isTTY === true && process.env.TERM !== 'dumb',
	columns: () => process.stderr.columns || COLUMNS_DEFAULT,
	draw: (text) => void process.stderr.write(text),
	nowMs: () => performance.now(),
	every(ms, round) {
		const timer = setInterval(round, ms)
		timer.unref()
		return () => clearInterval(timer)
	},
}

type Shown = Pick<Deps, 'print' | 'warn'>

export function showRun(title: string, { json, quiet }: { json: boolean; quiet: boolean }, deps: Shown, screen: Screen = standardError): View {
	if (json) return showEvents(title, deps, screen)
	if (quiet) return showTroubles(title, deps)
	return screen.isTerminal ? showBar(title, deps, screen) : showLines(title, deps, screen)
}

function showTroubles(title: string, { warn }: Shown): View {
	return { watcher: { trouble: (path, why) => warn(`${title}: ${showPath(path)}: ${why}`) }, end: () => undefined, elsewhere: () => undefined }
}

/** Troubles go above the bar; at the end the summary takes its place. */
function showBar(title: string, { print, warn }: Shown, screen: Screen): View {
	const meter = createMeter(screen.nowMs)
	const redraw = () => screen.draw(`${CLEAR}${barLine(title, meter.read(), screen.columns())}`)
	const rest = screen.every(BAR_MS, redraw)
	const above = (line: string) => {
		screen.draw(CLEAR)
		warn(line)
		redraw()
	}
	const finish = () => {
		rest()
		screen.draw(CLEAR)
	}
	return {
		watcher: alsoTelling(meter, {
			trouble: (path, why) => above(`${title}: ${showPath(path)}: ${why}`),
			note: (line) => above(line),
		}),
		end(summary) {
			finish()
			if (summary) print(summaryLine(title, summary))
		},
		elsewhere(holder) {
			finish()
			print(`${title}: under way already (${holder})`)
		},
	}
}

/** The first line soon enough to see that something goes on, the others seldom enough for a log. */
function showLines(title: string, { print, warn }: Shown, screen: Screen): View {
	const meter = createMeter(screen.nowMs)
	let nextMs = screen.nowMs() + LINE_FIRST_MS
	const rest = screen.every(LINE_FIRST_MS, () => {
		const progress = meter.read()
		if (screen.nowMs() < nextMs) return
		nextMs = screen.nowMs() + LINE_MS
		warn(plainLine(title, progress))
	})
	return {
		watcher: alsoTelling(meter, {
			trouble: (path, why) => warn(`${title}: ${showPath(path)}: ${why}`),
			note: (line) => warn(line),
		}),
		end(summary) {
			rest()
			if (summary) print(summaryLine(title, summary))
		},
		elsewhere(holder) {
			rest()
			print(`${title}: under way already (${holder})`)
		},
	}
}

/** One JSON object a line: start, progress while something moves, trouble, note, summary or elsewhere. */
function showEvents(run: string, { print }: Shown, screen: Screen): View {
	const meter = createMeter(screen.nowMs)
	const tell = (event: string, fields: object) => print(JSON.stringify({ event, run, ...fields }))
	let told = ''
	const rest = screen.every(EVENT_MS, () => {
		const { seconds, ...progress } = meter.read()
		const amounts = JSON.stringify([progress.files, progress.bytes, progress.left, progress.filesExpected])
		if (amounts === told) return
		told = amounts
		tell('progress', { ...progress, seconds })
	})
	tell('start', {})
	return {
		watcher: alsoTelling(meter, {
			trouble: (path, why) => tell('trouble', { ...jsonPath(path), why }),
			note: (line) => tell('note', { line }),
		}),
		end(summary) {
			rest()
			if (summary) tell('summary', { files: filesSeen(summary), ...summary, left: summary.troubles })
		},
		elsewhere(holder) {
			rest()
			tell('elsewhere', { holder })
		},
	}
}

function alsoTelling(meter: Meter, { trouble, note }: Required<Pick<Watcher, 'trouble' | 'note'>>): Watcher {
	return {
		...meter.watcher,
		trouble(path, why) {
			meter.watcher.trouble?.(path, why)
			trouble(path, why)
		},
		note,
	}
}
