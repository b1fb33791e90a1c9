import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** With those above it. By hand: what Node does tries for ever where nothing can be made, as in /proc. */
export function makeWithParents(path: string, mode?: number): void {
	if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
	makeWithParents(dirname(path), mode)
	mkdirSync(path, { mode })
}
