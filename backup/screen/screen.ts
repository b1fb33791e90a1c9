/** A bar on a terminal; elsewhere, for cron, nothing but troubles and what was asked for. */
import { showSize } from '../settings/sizes.ts'
import type { Watcher } from './watcher.ts'

const DRAW_MS = 150
const BAR_COLUMNS_MAX = 30
const COLUMNS_DEFAULT = 80
const CLEAR = '\r\x1b[K'
/** More lines of the same kind say no more. */
const TROUBLES_MAX = 100

export function openScreen({ verbose }: { verbose: boolean }, stream: NodeJS.WriteStream = process.stderr): Watcher {
	const total = { files: 0, bytes: 0 }
	const sofar = { files: 0, bytes: 0 }
	const startMs = performance.now()
	let title = ''
	let troubles = 0
	const isDrawn = stream.isTTY === true && process.env['TERM'] !== 'dumb'
	const draw = () => title !== '' && stream.write(`${CLEAR}${barOf(title, total, sofar, (performance.now() - startMs) / 1000).slice(0, (stream.columns ?? COLUMNS_DEFAULT) - 1)}`)
	const timer = isDrawn ? setInterval(draw, DRAW_MS).unref() : undefined
	const say = (line: string) => stream.write(`${isDrawn ? CLEAR : ''}cairn-backup: ${line}\n`)

	return {
		expected(files, bytes) {
			total.files += files
			total.bytes += bytes
		},
		moved(bytes) {
			sofar.bytes += bytes
		},
		done() {
			sofar.files++
		},
		trouble(path, why) {
			troubles++
			if (troubles <= TROUBLES_MAX) say(`${path}: ${why}`)
			else if (troubles === TROUBLES_MAX + 1) say('more of the same is not shown')
		},
		warn: say,
		note(line) {
			if (verbose || isDrawn) say(line)
		},
		title(text) {
			title = text
		},
		end() {
			clearInterval(timer)
			if (isDrawn) stream.write(CLEAR)
		},
	}
}

interface Amount {
	files: number
	bytes: number
}

function barOf(title: string, total: Amount, sofar: Amount, seconds: number): string {
	const share = total.bytes > 0 ? Math.min(1, sofar.bytes / total.bytes) : total.files > 0 ? Math.min(1, sofar.files / total.files) : 0
	const filled = Math.floor(share * BAR_COLUMNS_MAX)
	const bar = '='.repeat(filled) + ' '.repeat(BAR_COLUMNS_MAX - filled)
	const speed = seconds > 0 ? `, ${showSize(sofar.bytes / seconds)}/s` : ''
	return `${title} [${bar}] ${sofar.files} of ${total.files} files, ${showSize(sofar.bytes)}${speed}`
}
