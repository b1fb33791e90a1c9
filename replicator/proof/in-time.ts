/**
 * What was concluded from a look at the nodes counts for seconds only. A process that stood still for longer may have been taken for
 * dead: what it decided was carried out by others then, and something new may have come to the place.
 */
import type { Intent } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { carryOut } from '../../core/filesystem/intents.ts'
import type { Op } from '../../core/op.ts'

/** Well below the time after which a process that shows no life counts as dead. */
const SEEN_MS_MAX = 20_000

/** `seenMs`: by a clock that goes on while the process stands still. */
export function isTooLate(seenMs: number): boolean {
	return performance.now() - seenMs > SEEN_MS_MAX
}

/** Left to whoever settles the node when it is too late. */
export function* carryOutInTime(fs: Filesystem, made: readonly Intent[], seenMs: number): Op<void> {
	if (isTooLate(seenMs)) for (const intent of made) fs.later.add(intents.leaveQuery(fs.client, intent))
	else yield* carryOut(fs, made)
}
