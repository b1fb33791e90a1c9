/** The catalogue may be away for a while: a run waits for it, rather than to leave half its work to the next. */
import { setTimeout as delay } from 'node:timers/promises'
import { Errno } from '../../core/errors.ts'
import type { Run } from '../run.ts'

const ATTEMPTS_MAX = 15
const PAUSE_MS = 100
const PAUSE_MS_MAX = 10_000

/** `question` must stand being asked again. */
export async function patiently<T>(run: Run, question: () => Promise<T>): Promise<T> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await question()
		} catch (error) {
			if (!(error instanceof Errno) || error.code !== 'EIO' || attempt === ATTEMPTS_MAX || run.signal.aborted) throw error
			if (attempt === 1) run.note(`the catalogue does not answer: ${error.message}; waiting for it`)
			await delay(Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (attempt - 1)), undefined, { signal: run.signal }).catch(() => undefined)
		}
	}
}
