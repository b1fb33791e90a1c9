/** A node that is closed: its directory is in use no longer, and what it is on can be unmounted. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { newHealth } from '../../core/nodes/health.ts'
import { openLaneOperations } from '../../core/nodes/lanes.ts'
import { openPaths } from '../support/descriptors.ts'
import { until } from '../support/until.ts'

const LANES = 3

/** How often this process has a directory open. */
function timesOpen(directory: string): number {
	return openPaths().filter((path) => path === directory).length
}

test('the threads of a remote node leave its directory when they end', async (t) => {
	const root = mkdtempSync(join(tmpdir(), 'cairn-ended-'))
	t.after(() => rmSync(root, { recursive: true }))
	writeFileSync(join(root, 'f'), 'text')
	const operations = openLaneOperations(root, { deadlineMs: 10_000, callsMax: LANES, health: newHealth() })
	const ask = () => Promise.all(Array.from({ length: LANES }, () => operations.stat(Buffer.from('f'))))
	await ask()
	assert.equal(timesOpen(root), LANES)
	const last = ask()
	operations.end()
	await last
	await until('nobody has it open', () => (timesOpen(root) === 0 ? true : undefined))
})
