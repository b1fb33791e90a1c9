/** Progress as lines of text. Nothing here knows where they go. */
import type { Summary } from '../replicator/run.ts'
import { grouped } from './many.ts'
import type { Progress } from './progress-meter.ts'
import { showSize } from './sizes.ts'

const BAR_COLUMNS_MAX = 40
const BAR_COLUMNS_MIN = 8
/** Of what stands still, at a host that does not answer, nobody can tell when it ends. */
const TO_GO_SECONDS_MAX = 100 * 86_400

/** One line for a terminal of so many columns: the title, a bar, and what there is room for beside it. */
export function barLine(title: string, progress: Progress, columns: number): string {
	const facts = barFacts(progress)
	const room = columns - 1 - title.length - facts.length - ' [] '.length
	const line = room >= BAR_COLUMNS_MIN && progress.share !== undefined ? `${title} [${bar(progress.share, room)}] ${facts}` : `${title} ${facts}`
	return line.slice(0, Math.max(0, columns - 1))
}

function bar(share: number, room: number): string {
	const columns = Math.min(BAR_COLUMNS_MAX, room)
	const filled = Math.floor(share * columns)
	return '='.repeat(filled) + ' '.repeat(columns - filled)
}

function barFacts(progress: Progress): string {
	const { share, secondsLeft } = progress
	const parts = [share === undefined ? '' : `${Math.floor(share * 100)}%`, amounts(progress), rates(progress)]
	if (secondsLeft !== undefined && secondsLeft < TO_GO_SECONDS_MAX && (share ?? 1) < 1) parts.push(`${showDuration(secondsLeft)} to go`)
	return parts.filter((part) => part !== '').join(', ')
}

/** One line for a log. */
export function plainLine(title: string, progress: Progress): string {
	return `${title}: ${barFacts(progress)}`
}

function amounts({ files, filesExpected, bytes, bytesExpected, left }: Progress): string {
	const of = filesExpected > 0 ? `${grouped(files + left)} of ${grouped(filesExpected)}` : grouped(files + left)
	const size = bytesExpected > 0 ? `${showSize(bytes)} of ${showSize(bytesExpected)}` : showSize(bytes)
	return `${of} files, ${size}${left > 0 ? `, ${grouped(left)} left` : ''}`
}

function rates({ filesPerSecond, bytesPerSecond }: Progress): string {
	const files = filesPerSecond >= 10 ? Math.round(filesPerSecond) : Number(filesPerSecond.toFixed(1))
	return `${files} files/s, ${showSize(bytesPerSecond)}/s`
}

/** '42 s', '3:20 min', '2:05 h', '3 d'. */
export function showDuration(seconds: number): string {
	const whole = Math.round(seconds)
	const two = (part: number) => String(Math.floor(part)).padStart(2, '0')
	if (whole < 60) return `${whole} s`
	if (whole < 3_600) return `${Math.floor(whole / 60)}:${two(whole % 60)} min`
	if (whole < 172_800) return `${Math.floor(whole / 3_600)}:${two((whole % 3_600) / 60)} h`
	return `${Math.round(whole / 86_400)} d`
}

/** Every file that was looked at is in exactly one of its counts. */
export function summaryLine(title: string, { outcomes, bytes, troubles, stopped, seconds }: Summary): string {
	const { left = 0, ...others } = outcomes
	const counts = Object.entries(others).map(([word, many]) => `${grouped(many)} ${word}`)
	if (left + troubles > 0) counts.push(`${grouped(left + troubles)} left`)
	const seen = filesSeen({ outcomes, troubles })
	const total = counts.length > 1 ? `${grouped(seen)} files: ` : ''
	const speed = seconds >= 1 && bytes > 0 ? `, ${showSize(bytes / seconds)}/s` : ''
	return `${title}: ${total}${counts.join(', ') || 'nothing to do'}${bytes > 0 ? `; ${showSize(bytes)}` : ''} in ${seconds.toFixed(1)} s${speed}${stopped ? '; stopped' : ''}`
}

export function filesSeen({ outcomes, troubles }: Pick<Summary, 'outcomes' | 'troubles'>): number {
	return Object.values(outcomes).reduce((sum, many) => sum + many, troubles)
}
