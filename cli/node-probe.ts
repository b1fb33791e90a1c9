/**
 * Looks at a node's directory from another process with a deadline: a directory on a server that hangs stops whoever looks,
 * and nothing ends a process that waits there.
 */
import { spawn } from 'node:child_process'
import type { NodeRow } from '../core/nodes/node.ts'
import { parse } from '../core/nodes/identity.ts'

const PROBE_DEADLINE_MS = 900
const SCRIPT = 'stat -f -c "%S %b %a" "$1" && cat "$1/.cairn/node.json"'

export interface Probe {
	up: boolean
	reason: string
	/** Bytes; what the catalogue last knew where the node does not answer. */
	capacity: number
	free: number
}

export async function probeNode(row: NodeRow, path: string): Promise<Probe> {
	const known = { capacity: row.capacity, free: row.free }
	const said = await look(path)
	if (said === undefined) return { up: false, reason: 'does not answer', ...known }
	const [first, ...rest] = said.split('\n')
	const [unit, blocks, available] = first.split(' ').map(Number)
	if (!(unit > 0)) return { up: false, reason: `${path} cannot be looked at`, ...known }
	const identity = parse(rest.join('\n'))
	if (identity === undefined) return { up: false, reason: `${path} has no identity file: is it mounted?`, ...known }
	if (identity.uuid !== row.uuid) return { up: false, reason: `${path} is another node, '${identity.name}'`, ...known }
	return { up: true, reason: '', capacity: unit * blocks, free: unit * available }
}

/** What the script printed, or undefined past the deadline. */
function look(path: string): Promise<string | undefined> {
	return new Promise((resolve, reject) => {
		const child = spawn('sh', ['-c', SCRIPT, 'sh', path], { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
		let said = ''
		child.stdout.on('data', (chunk) => (said += chunk))
		const timer = setTimeout(() => {
			child.kill('SIGKILL')
			// It may not be able to end before the node answers: nobody waits for it.
			child.stdout.destroy()
			child.unref()
			resolve(undefined)
		}, PROBE_DEADLINE_MS)
		child.on('error', reject)
		child.on('close', () => {
			clearTimeout(timer)
			resolve(said)
		})
	})
}
