/** Ctrl-C and SIGTERM for a verb that then ends in order. */
import { EXIT } from './exit-codes.ts'

/** The first signal ends the work where it can go on later; a second one ends it now. */
export function stopOnSignal(): { signal: AbortSignal; end(): void } {
	const stop = new AbortController()
	const abort = () => {
		if (stop.signal.aborted) process.exit(EXIT.left)
		stop.abort()
	}
	process.on('SIGINT', abort).on('SIGTERM', abort)
	return { signal: stop.signal, end: () => void process.off('SIGINT', abort).off('SIGTERM', abort) }
}
