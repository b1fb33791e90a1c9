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

/** For what does nothing but show: it ends when it is told to, and when nothing can be shown any more. */
export async function whileShown(show: (signal: AbortSignal) => Promise<void>): Promise<void> {
	const stop = new AbortController()
	const end = () => stop.abort()
	process.on('SIGINT', end).on('SIGTERM', end)
	process.stdout.on('error', end)
	try {
		await show(stop.signal)
	} finally {
		process.off('SIGINT', end).off('SIGTERM', end)
		process.stdout.off('error', end)
	}
}
