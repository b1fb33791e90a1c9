/** What is on a node in tests, and nodes that do something else than they are told. */
import * as disk from 'node:fs'
import type { Node, NodeOperations } from '../../core/nodes/node.ts'
import type { Client } from './installation.ts'

export function replaceOperations(client: Client, number: number, operations: Partial<NodeOperations>): void {
	const node = client.fs.nodes.get(number) as Node & { operations: NodeOperations }
	node.operations = { ...node.operations, ...operations }
}

export const names = (directory: string) => disk.readdirSync(directory).filter((name) => name !== '.cairn').sort()
