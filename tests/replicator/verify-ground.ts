/** Two nodes with a copy each. */
import type { TestContext } from 'node:test'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Node } from '../../core/nodes/node.ts'
import { verify, type VerifyOptions } from '../../replicator/verify/verify.ts'
import { installation } from '../unit/installation.ts'
import { copiedFile, runOn } from './copies.ts'

export const { good, wanted, suspect } = REPLICA

const TWO = [{ name: 'two', pattern: '', copies: 2 }]

export async function two(t: TestContext) {
	const place = await installation(t, 2, TWO)
	const client = await place.start()
	const id = await copiedFile(place, client, 'f', 'text', [1, 2])
	const check = (options: VerifyOptions = { all: true }, node = 1) => runOn(client.fs, node, verify(options))
	const conflicts = () =>
		place
			.rows('SELECT node_id, path, aside, file_id, reason FROM conflict ORDER BY id')
			.map((row) => ({ ...row, path: `${Buffer.from(row.path)}`, aside: `${Buffer.from(row.aside)}` }))
	return { place, client, id, fs: client.fs, catalogue: client.catalogue, check, conflicts }
}

/** Something happens while the copy is being read for that time. */
export function whileRead({ fs, path, time }: { fs: Filesystem; path: string; time: number }, happen: () => void): void {
	const node = fs.nodes.get(1) as Node
	Object.assign(node, { remote: true })
	const { open: openFile } = node.operations
	let opened = 0
	node.operations.open = (name, flags) => {
		// Twice each time: to have it written to the disk, and to read it.
		if (name.equals(Buffer.from(path)) && ++opened === 2 * time) happen()
		return openFile(name, flags)
	}
}
