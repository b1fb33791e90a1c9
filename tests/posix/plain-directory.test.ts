/** The control: the cases must hold on an ordinary filesystem, or they ask for something else than POSIX. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCases } from './run-cases.ts'

runCases('POSIX: a plain directory', async () => {
	const root = mkdtempSync(join(tmpdir(), 'cairn-plain-'))
	chmodSync(root, 0o755)
	return { root, end: async () => rmSync(root, { recursive: true, force: true }) }
})
