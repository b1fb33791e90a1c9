/** What this process has open. */
import { readdirSync, readlinkSync } from 'node:fs'

/** Where its descriptors lead, each as often as it is open. */
export function openPaths(): string[] {
	return readdirSync('/proc/self/fd').flatMap((fd) => {
		try {
			return [readlinkSync(`/proc/self/fd/${fd}`)]
		} catch {
			return [] // Closed meanwhile, as the one that lists them is.
		}
	})
}
