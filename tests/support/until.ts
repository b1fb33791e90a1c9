/** Waiting for what another process does: looked for again and again, never slept for. */
import { setTimeout as after } from 'node:timers/promises'

const LOOK_EVERY_MS = 25
/** For what has to come: how busy the machine is says nothing of whether it does. */
export const PATIENCE_MS = 60_000

/** Resolves with the first answer that is not undefined; past the deadline it fails with what was waited for. */
export async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined, deadlineMs = PATIENCE_MS): Promise<T> {
	const end = performance.now() + deadlineMs
	for (;;) {
		const found = await look()
		if (found !== undefined) return found
		if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`)
		await after(LOOK_EVERY_MS)
	}
}
