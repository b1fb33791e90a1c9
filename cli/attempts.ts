/** What failed on the way is tried again, a few times, with a pause before each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { mayPass } from './door-request.ts'

const ATTEMPTS_MAX = 5
const FIRST_PAUSE_MS = 250

export async function withAttempts<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await act()
		} catch (error) {
			if (attempt === ATTEMPTS_MAX || signal.aborted || !mayPass(error)) throw error
			await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, { signal }).catch(() => undefined)
		}
	}
}
