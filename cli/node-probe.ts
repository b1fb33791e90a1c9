/**
 * Looks at a node's directory. One that is reached through something that can hang is looked at from another process with a
 * deadline: a server that hangs stops whoever looks, and nothing ends a process that waits there.
 */
import { accessSync, constants, readFileSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../core/config/types.ts'
import { codeOf } from '../core/errors.ts'
import type { NodeRow } from '../core/nodes/node.ts'
import { isRemote } from '../core/nodes/detect.ts'
import { parse } from '../core/nodes/identity.ts'
import { mountAbove } from './mountinfo.ts'

const PROBE_DEADLINE_MS = 900
const NOT_THERE = /ENOENT|ENOTDIR|No such file|Not a directory/
const SCRIPT = 'stat -f -c "%S %b %a" "$1" && stat -c %d "$1" && LC_ALL=C cat "$1/.cairn/node.json" 2>&1'

export interface Probe {
	up: boolean
	/** Why it is not, or what is wrong with one that is. */
	reason: string
	/** Bytes; what the catalogue last knew where the node does not answer. */
	capacity: number
	free: number
	/** Nodes that say the same are on one disk. 0: not known. */
	disk: number
}

export async function probeNode(row: NodeRow, path: string): Promise<Probe> {
	const known = { capacity: row.capacity, free: row.free, disk: 0 }
	const said = canHang(path) ? await lookFromOutside(path) : look(path)
	if (said === undefined) return { up: false, reason: 'does not answer', ...known }
	const [first, disk, ...rest] = said.split('\n')
	const [unit, blocks, available] = first.split(' ').map(Number)
	if (!(unit > 0)) return { up: false, reason: `${path} is not there, or cannot be looked at`, ...known }
	const identity = parse(rest.join('\n'))
	if (identity === undefined) return { up: false, reason: withoutIdentity(path, rest.join('\n')), ...known }
	if (identity.uuid !== row.uuid) return { up: false, reason: `${path} is another node, '${identity.name}'`, ...known }
	const reason = row.state !== 'ro' && isMountedReadOnly(path) ? 'its disk is mounted read-only' : ''
	return { up: true, reason, capacity: unit * blocks, free: unit * available, disk: Number(disk) }
}

/** `said`: what cat answered. */
function withoutIdentity(path: string, said: string): string {
	const [, trouble = ''] = /^cat: .*?([^:]+)$/.exec(said.trim()) ?? []
	if (trouble === '' || NOT_THERE.test(trouble)) return `${path} has no identity file: is it mounted?`
	return `${path}/.cairn/node.json: ${trouble.trim()}`
}

/** As a kernel does it to one that fails; since Linux 6.15 access(2) knows nothing of that. Of a remote one nothing is asked here. */
function isMountedReadOnly(path: string): boolean {
	if (canHang(path)) return false
	if (mountAbove(path)?.options.includes('emergency_ro')) return true
	try {
		accessSync(path, constants.W_OK)
	} catch (error) {
		return codeOf(error) === 'EROFS'
	}
	return false
}

/** Names of those that should answer and do not. */
export async function nodesAway(rows: readonly NodeRow[], { nodes }: Pick<Config, 'nodes'>): Promise<string[]> {
	const living = rows.filter(({ state }) => state !== 'dead')
	const probes = await Promise.all(living.map((row) => probeNode(row, nodes[row.name]?.path ?? row.path)))
	return living.filter((_, index) => !probes[index].up).map(({ name }) => name)
}

function canHang(path: string): boolean {
	return ifThere(() => isRemote(path)) ?? true
}

/** What the script would print. */
function look(path: string): string {
	const there = ifThere(() => ({ space: statfsSync(path), disk: statSync(path).dev }))
	if (!there) return ''
	const { space, disk } = there
	return `${space.bsize} ${space.blocks} ${space.bavail}\n${disk}\n${catIdentity(join(path, '.cairn', 'node.json'))}`
}

function catIdentity(path: string): string {
	try {
		return readFileSync(path, 'utf8')
	} catch (error) {
		return `cat: ${codeOf(error)}`
	}
}

function ifThere<T>(read: () => T): T | undefined {
	try {
		return read()
	} catch {
		return undefined
	}
}

/** What the script printed, or undefined past the deadline. */
async function lookFromOutside(path: string): Promise<string | undefined> {
	const { spawn } = await import('node:child_process')
	return await new Promise((resolve, reject) => {
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
