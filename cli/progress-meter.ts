/** How far a run is and how fast it goes: what it was told so far, turned into a share, rates and a time to go. */
import type { Watcher } from '../replicator/run.ts'

/** A file costs something beside its bytes, so that a share over many small files and a few large ones moves evenly. */
const FILE_COST_BYTES = 32 * 1024
/** Rates are smoothed over about this long. */
const SMOOTHING_SECONDS = 8

export interface Progress {
	files: number
	bytes: number
	/** 0: nobody knows how many there are. */
	filesExpected: number
	bytesExpected: number
	left: number
	seconds: number
	filesPerSecond: number
	bytesPerSecond: number
	/** 0 to 1; undefined while nobody knows how much there is. */
	share: number | undefined
	/** Undefined while nothing has moved. */
	secondsLeft: number | undefined
}

export interface Meter {
	watcher: Watcher
	/** What there is to show now. */
	read(): Progress
}

export function createMeter(nowMs: () => number): Meter {
	const startMs = nowMs()
	const rate = smoothed(startMs)
	let files = 0
	let left = 0
	let bytes = 0
	/** Of files that are not done yet. */
	let moving = 0
	const expected = { files: 0, bytes: 0 }

	function read(): Progress {
		const ms = nowMs()
		const moved = bytes + moving
		const speed = rate(ms, files + left, moved)
		const cost = expected.bytes + expected.files * FILE_COST_BYTES
		const paid = moved + (files + left) * FILE_COST_BYTES
		const paidPerSecond = speed.bytes + speed.files * FILE_COST_BYTES
		const isKnown = expected.files > 0
		return {
			files,
			bytes: moved,
			filesExpected: expected.files,
			bytesExpected: expected.bytes,
			left,
			seconds: (ms - startMs) / 1000,
			filesPerSecond: speed.files,
			bytesPerSecond: speed.bytes,
			share: isKnown ? Math.min(1, paid / cost) : undefined,
			secondsLeft: isKnown && paidPerSecond > 0 ? Math.max(0, cost - paid) / paidPerSecond : undefined,
		}
	}

	return {
		watcher: {
			expected(more, moreBytes) {
				expected.files += more
				expected.bytes += moreBytes
			},
			moved(count) {
				moving += count
			},
			done(_outcome, size) {
				files++
				bytes += size
				moving = Math.max(0, moving - size)
			},
			trouble() {
				left++
			},
		},
		read,
	}
}

interface Speed {
	files: number
	bytes: number
}

/** Each reading weighs as much as the time it stands for; the first ones are the plain average since the start. */
function smoothed(startMs: number): (ms: number, files: number, bytes: number) => Speed {
	const last = { ms: startMs, files: 0, bytes: 0 }
	const speed = { files: 0, bytes: 0 }
	return (ms, files, bytes) => {
		const seconds = (ms - last.ms) / 1000
		if (seconds <= 0) return { ...speed }
		const sinceStart = (ms - startMs) / 1000
		const weight = Math.max(1 - Math.exp(-seconds / SMOOTHING_SECONDS), Math.min(1, seconds / sinceStart))
		speed.files += ((files - last.files) / seconds - speed.files) * weight
		// A file that turned out smaller than was said takes its bytes back.
		speed.bytes += (Math.max(0, bytes - last.bytes) / seconds - speed.bytes) * weight
		Object.assign(last, { ms, files, bytes })
		return { ...speed }
	}
}
