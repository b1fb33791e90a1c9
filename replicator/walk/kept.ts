/**
 * What lies in a node's `.cairn/conflicts` and is in no list: whoever kept it aside ended before he had written that down, or the catalogue is gone that
 * knew of it. A whole walk lists it, under the name it had; where in the tree that was nobody knows any more.
 */
import * as conflicts from '../../core/catalogue/conflicts.ts'
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as intents from '../../core/catalogue/intents.ts'
import { now } from '../../core/clock.ts'
import { codeOf } from '../../core/errors.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { touches } from '../../core/filesystem/intents.ts'
import { STANDING_ROWS_MAX } from '../../core/filesystem/standing.ts'
import type { Path } from '../../core/ids.ts'
import { type Op, wait } from '../../core/op.ts'
import { tellConflict } from './conflict.ts'
import { statAll } from './look.ts'
import type { Walking } from './walking.ts'

const CONFLICTS = '.cairn/conflicts'
/** What makes it unique stands before its name. */
const MARK = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-(?=.)/s
/** Of what came there a moment ago the row may be on its way. */
const YOUNG_SECONDS = 60

export async function listKept(walking: Walking): Promise<void> {
	const { fs, node, run } = walking
	const known = new Set((await fs.catalogue.all<{ aside: Uint8Array }>(...conflicts.asidesQuery(node.id))).map(({ aside }) => latin1(aside)))
	const unknown = (await namesIn(walking)).map((name) => Buffer.concat([Buffer.from(`${CONFLICTS}/`), name])).filter((aside) => !known.has(latin1(aside)))
	for (const aside of unknown) {
		if (run.signal.aborted) return
		await listOne(walking, aside)
	}
}

async function namesIn({ node, run }: Walking): Promise<Buffer[]> {
	try {
		return (await node.operations.list(Buffer.from(CONFLICTS))).map(({ name }) => name)
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') run.trouble(CONFLICTS, `the directory cannot be read: ${(error as Error).message}`)
		return []
	}
}

async function listOne(walking: Walking, aside: Path): Promise<void> {
	const { fs, node, options } = walking
	const [stat] = await statAll(walking, [aside])
	if (!stat || stat instanceof Error || now().s - stat.ctime < YOUNG_SECONDS) return
	const { size, mtime } = stat
	const path = Buffer.from(latin1(aside.subarray(CONFLICTS.length + 1)).replace(MARK, ''), 'latin1')
	const enter = function* (tx: Transaction): Op<boolean> {
		const [rows, standing] = (yield* wait(tx.read(conflicts.asidesQuery(node.id), intents.standingQuery(node.id, STANDING_ROWS_MAX)))) as [Array<{ aside: Uint8Array }>, intents.IntentRow[]]
		// Listed meanwhile, or decided about: on its way into the tree, or off the node.
		if (rows.some((row) => aside.equals(row.aside)) || standing.some((row) => touches(row, [aside]))) return false
		conflicts.insert(tx, { nodeId: node.id, path, aside, fileId: 0, reason: 'stray', size, mtime }, fs.capabilities)
		return true
	}
	if (options.dryRun || (await transact(fs, enter))) tellConflict(walking, path, `lies in ${CONFLICTS} and was in no list`)
}

function latin1(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('latin1')
}
