/** Bandwidth by hour of day: how long whoever moves bytes has to wait, so that all who share a pace together keep to it. */
import { rateAt } from '../core/config/rates.ts'
import type { RateConfig } from '../core/config/types.ts'
import { fail } from '../core/errors.ts'

/** Ends when the bytes may be moved; ECANCELED when it is no longer to happen. */
export type Pace = (bytes: number, signal?: AbortSignal) => Promise<void>

export interface Clock {
	/** Of the day, 0 to 23, as people at this machine have it. */
	hour(): number
	/** Grows with time, whatever is done to the machine's date. */
	elapsedMs(): number
	sleep(ms: number): Promise<void>
}

/** A rate is looked up again after this long: the hour may have ended. */
const LOOK_AGAIN_MS = 1_000

const systemClock: Clock = {
	hour: () => new Date().getHours(),
	elapsedMs: () => performance.now(),
	sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

/** One for all that share the rates. */
export function paceOf(rates: readonly RateConfig[], clock: Clock = systemClock): Pace {
	/** Let through and not paid for by the time that passed since. */
	let owedBytes = 0
	let paidMs = clock.elapsedMs()

	function pay(bytesPerSecond: number): void {
		const nowMs = clock.elapsedMs()
		owedBytes = Math.max(0, owedBytes - ((nowMs - paidMs) * bytesPerSecond) / 1000)
		paidMs = nowMs
	}

	return async (bytes, signal) => {
		for (;;) {
			if (signal?.aborted) fail('ECANCELED')
			const rate = rateAt(rates, clock.hour())
			if (rate === undefined) return
			pay(rate)
			if (rate > 0 && owedBytes === 0) break
			await clock.sleep(rate > 0 ? Math.min(LOOK_AGAIN_MS, Math.ceil((owedBytes * 1000) / rate)) : LOOK_AGAIN_MS)
		}
		owedBytes += bytes
	}
}

/** Whether anything limits them at any hour. */
export function isLimited(rates: readonly RateConfig[]): boolean {
	return rates.length > 0
}
