/** Where a node is from here, and whether it can hang there. */
import { resolve } from 'node:path'
import type { Config } from '../config/types.ts'
import { isRemote } from './detect.ts'
import type { NodeRow } from './node.ts'

export function whereIs(row: Pick<NodeRow, 'name' | 'path'>, { nodes }: Pick<Config, 'nodes'>): { root: string; remote: boolean } {
	const own = nodes[row.name] ?? {}
	const root = resolve(own.path ?? row.path)
	return { root, remote: own.remote ?? isRemote(root) }
}
