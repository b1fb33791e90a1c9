/**
 * What comes after a copy has its name: the name reaches the disk, and only then do the intents that stand for it go. Were
 * they gone before, a power cut could leave a copy that counts without its name, and another might have been removed for it.
 */
import type { Intent } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Node } from '../../core/nodes/node.ts'
import { encodePath } from './messages.ts'
import type { Threads } from './threads.ts'

export interface Tail {
	/** Carried out, all of one transaction. */
	add(carriedOut: readonly Intent[]): void
	/** Everything added so far is on the disk, or was reported. */
	end(): Promise<void>
}

export function openTail(
	fs: Filesystem,
	node: Node,
	{ threads, report }: { threads: Pick<Threads, 'sync'>; report(line: string): void },
): Tail {
	let pending: Intent[] = []
	let working: Promise<void> | undefined

	async function work(): Promise<void> {
		while (pending.length > 0) {
			const batch = pending
			pending = []
			await finish(batch)
		}
		working = undefined
	}

	async function finish(batch: readonly Intent[]): Promise<void> {
		try {
			// A server that is asked to rename has it on its disk when it answers.
			if (!node.remote) await threads.sync({ on: { root: node.root, uuid: node.row.uuid }, directories: directoriesOf(batch) })
			for (const intent of batch) fs.later.add(intents.doneQuery(fs.client, intent))
		} catch (error) {
			report(`node ${node.name}: names of new copies could not be written to the disk: ${(error as Error).message}`)
			for (const intent of batch) fs.later.add(intents.leaveQuery(fs.client, intent))
		}
		for (const { token } of batch) fs.carrying.delete(token)
	}

	return {
		add(carriedOut) {
			pending.push(...carriedOut)
			if (carriedOut.length > 0) working ??= work()
		},
		async end() {
			while (working) await working
		},
	}
}

function directoriesOf(batch: readonly Intent[]): string[] {
	const directories = new Set<string>()
	for (const { op, path, toPath } of batch) {
		const named = encodePath(op === 'symlink' || toPath === null ? path : toPath)
		directories.add(named.slice(0, Math.max(0, named.lastIndexOf('/'))))
	}
	return [...directories]
}
