/** A mount whose files are where the test wants them. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Hands, withHands } from '../support/hands.ts'
import type { Mounted } from '../support/mount.ts'

/** Sets the state of nodes while nothing is mounted, and mounts again. */
export async function withStates(up: Mounted, states: Record<string, string>): Promise<Mounted> {
	await up.stop()
	for (const [name, state] of Object.entries(states)) {
		const { code, stderr } = await up.cairn('node', 'set', name, '--state', state)
		assert.equal(code, 0, stderr)
	}
	return up.again()
}

/** What `make` makes is all on the node of that number; afterwards every node takes new files again. */
export async function makeOn(up: Mounted, node: number, make: (hands: Hands, root: string) => Promise<void>): Promise<Mounted> {
	const names = up.nodes.map((_, index) => `node${index + 1}`)
	const alone = await withStates(up, Object.fromEntries(names.map((name, index) => [name, index + 1 === node ? 'rw' : 'nc'])))
	await withHands((hands) => make(hands, alone.mountPoint))
	return withStates(alone, Object.fromEntries(names.map((name) => [name, 'rw'])))
}

export function assertOnlyOn(up: Mounted, node: number, path: string): void {
	const holders = up.nodes.flatMap((root, index) => (existsSync(join(root, path)) ? [index + 1] : []))
	assert.deepEqual(holders, [node], `${path} was to be on node${node} alone`)
}

/** The errno a call fails with, or its result in words. */
export async function answerOf(call: Promise<unknown>): Promise<string> {
	try {
		return `no error, but ${String(await call).slice(0, 80)}`
	} catch (error) {
		return (error as NodeJS.ErrnoException).code ?? (error as Error).message
	}
}

/** A file that exists and cannot be reached: an I/O error in time, never "no such file". */
export const UNREACHABLE = /^(EIO|ETIMEDOUT)$/
