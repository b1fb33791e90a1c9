/** One daemon for each node: whose it is, by lease. */
import * as leases from '../../core/catalogue/leases.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import { run as drive } from '../../core/op.ts'
import { takeLease } from '../replicator.ts'

export function leaseName(node: NodeId): string {
	return `replicator:${node}`
}

/** Takes or renews it. Undefined when it is ours, else who has it. */
export async function hold(fs: Filesystem, node: NodeId): Promise<string | undefined> {
	return await drive(takeLease(fs, leaseName(node)))
}

export async function letGo(fs: Filesystem, node: NodeId): Promise<void> {
	await transact(fs, function* (tx) {
		if (yield* leases.stillHeld(fs, tx, leaseName(node))) leases.drop(tx, leaseName(node))
	})
}
