/**
 * Work on a database that answers at once meets nothing to wait for: a loop of a hundred thousand such answers would keep
 * timers, leases and signals waiting to its end. So it stops for breath now and then.
 */
import { setImmediate } from 'node:timers/promises'

const TURN_MS_MAX = 50

/** To be awaited once for each thing done. */
export function createBreath(): () => Promise<void> {
	let turnMs = performance.now()
	return async () => {
		if (performance.now() - turnMs < TURN_MS_MAX) return
		await setImmediate()
		turnMs = performance.now()
	}
}
