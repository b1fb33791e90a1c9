/** The transaction that makes copies of plain files count, as `enter` does it for others. */
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as hashes from '../../core/catalogue/hashes.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import { FILES_MAX, setMade } from '../../core/catalogue/wanted.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { carries } from '../../core/filesystem/intents.ts'
import type { NodeId } from '../../core/ids.ts'
import type { Op } from '../../core/op.ts'
import { isStillOurs } from '../replicator.ts'
import type { MadePlain } from './plain-copy.ts'
import { isNew, isOnlySource, versionOf } from './plain-facts.ts'
import { type Asked, sameAs } from './plain-look.ts'
import type { Round } from './round.ts'
import { NOTHING, othersStanding, type Standing, standingOf } from './standing.ts'

interface Making {
	asked: Asked
	made: readonly MadePlain[]
	token: number
}

/** Those that count now; `underWay` knows of their intents. It may be asked again with the same token. */
export async function enterPlain(round: Round, making: Making): Promise<MadePlain[]> {
	return await transact(round.rep.fs, (tx) => enterAll(round, tx, making))
}

function* enterAll({ rep, underWay }: Round, tx: Transaction, { asked, made, token }: Making): Op<MadePlain[]> {
	const { fs, node } = rep
	if (!(yield* isStillOurs(rep, tx))) return []
	// What portions of this run are bringing to other files' names is not in the way: a name that changed hands since left an intent of
	// whoever took it away, and that waits for theirs.
	const own = [...underWay.keys()].filter((each) => each !== token)
	const standing = yield* othersStanding(fs, tx, { node: node.id, own })
	// Asked before, and the catalogue's answer was lost: what it decided then, if it did, stands.
	const before = underWay.has(token) ? made.filter(({ plain }) => standing.madeBy(token, plain.id).length > 0) : []
	if (before.length > 0) return before
	const isSame = yield* sameAs(rep, tx, asked)
	const isFree = ({ path }: MadePlain) => standing === NOTHING || !standing.isInTheWay(Buffer.from(path, 'latin1'))
	const list = made.filter((each) => isSame(each.plain) && isFree(each))
	if (list.length === 0) return []
	carries(fs, tx, token)
	const decided = list.map((each) => intentOf(each, node.id, token))
	underWay.set(token, whenAsked(decided))
	write(rep, tx, list)
	intents.insertAll(tx, fs.client, decided, fs.capabilities)
	return list
}

function write({ fs, node }: Round['rep'], tx: Transaction, list: readonly MadePlain[]): void {
	const ids = list.map(({ plain }) => plain.id)
	for (let from = 0; from < ids.length; from += FILES_MAX) setMade(tx, node.id, ids.slice(from, from + FILES_MAX), fs.capabilities)
	for (const { plain, hash } of list) {
		if (plain.hash === '' && isOnlySource(plain)) hashes.setHash(tx, plain.id, versionOf(plain), Buffer.from(hash, 'hex'))
	}
}

export function intentOf({ plain, path, aside }: MadePlain, nodeId: NodeId, token: number): Intent {
	return { nodeId, op: 'rename', path: aside, toPath: Buffer.from(path, 'latin1'), fileId: plain.id, token, isNew: isNew(plain) }
}

/** Mostly nobody does. */
function whenAsked(list: readonly Intent[]): Standing {
	let known: Standing | undefined
	return {
		isInTheWay(path) {
			known ??= standingOf(list)
			return known.isInTheWay(path)
		},
		madeBy: () => [],
	}
}
