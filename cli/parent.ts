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
