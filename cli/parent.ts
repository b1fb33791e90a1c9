/** Of a process that was sent into the background: telling the one that waits for it. */
export const MARK = 'CAIRN_DAEMON'

export type Report = { ready: true } | { error: string; code: number }

export function isDaemon(environment: NodeJS.ProcessEnv): boolean {
	return environment[MARK] === '1' && process.send !== undefined
}

/** False when there is no parent to tell. */
export function reportToParent(report: Report): boolean {
	if (!isDaemon(process.env) || !process.connected) return false
	process.send?.(report, () => process.connected && process.disconnect())
	return true
}

/** Whoever waits may have had enough (Ctrl-C, a stopped unit): then this ends as if told to. Returns how to stop looking. */
export function endWithParent(): () => void {
	const end = () => void process.kill(process.pid, 'SIGTERM')
	if (!isDaemon(process.env)) return () => undefined
	if (!process.connected) end()
	process.on('disconnect', end)
	return () => void process.off('disconnect', end)
}
