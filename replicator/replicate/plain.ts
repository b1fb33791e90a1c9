/**
 * Plain files, many at once: what is to be known of them is one text, what is done with them a message or a statement for all. Where one of
 * them is not as simple as that, or does not go well, nothing is said of it here: it is left to `doUnit`, which does each by itself.
 */
import * as intents from '../../core/catalogue/intents.ts'
import { PLAIN_MAX } from '../../core/catalogue/wanted-plain.ts'
import { Errno } from '../../core/errors.ts'
import type { FileId } from '../../core/ids.ts'
import { takesChanges } from '../../core/nodes/service.ts'
import { newTray, type Tray } from './incoming.ts'
import { treeOf } from './messages.ts'
import { patiently } from './patience.ts'
import { carryOut, makeWay } from './place.ts'
import { copyGroup, groupsOf, type MadePlain } from './plain-copy.ts'
import { enterPlain, intentOf } from './plain-enter.ts'
import { isNew } from './plain-facts.ts'
import { type Asked, askPlain } from './plain-look.ts'
import type { Round } from './round.ts'
import { joinWays } from './ways.ts'

/** Fewer are not worth questions of their own. */
const PLAIN_MIN = 8

/** Those that are left to do. */
export async function copyPlain(round: Round, ids: readonly FileId[]): Promise<readonly FileId[]> {
	const { fs, node, run } = round.rep
	if (ids.length < PLAIN_MIN || ids.length > PLAIN_MAX || node.remote || !takesChanges(node)) return ids
	const asked = await patiently(run, async () => askPlain(round.rep, fs.catalogue, ids))
	if (asked.plains.length === 0) return ids
	const bytes = asked.plains.reduce((sum, plain) => sum + plain.bytes, 0)
	if (!round.room.take(bytes)) return ids
	const tray = round.trays.pop() ?? newTray()
	try {
		const done = await copyAsked(round, asked, tray)
		return ids.filter((id) => !done.has(id))
	} finally {
		round.room.give(bytes)
		round.trays.push(tray)
	}
}

/** Those that are dealt with. */
async function copyAsked(round: Round, asked: Asked, tray: Tray): Promise<ReadonlySet<FileId>> {
	const disk = round.disk()
	const mark = disk.mark()
	const groups = await groupsOf(round, asked)
	await round.hold('looked', asked.ids)
	const made: MadePlain[] = []
	for (const group of groups) made.push(...(await copyGroup(round, group, tray)))
	if (made.length === 0) return new Set()
	if (!(await isOnDisk(round, mark))) {
		await discard(round, made)
		return new Set()
	}
	await round.hold('copied', idsOf(made))
	return await makeCount(round, { asked, made, mark })
}

async function makeCount(
	round: Round,
	{ asked, made, mark }: { asked: Asked; made: readonly MadePlain[]; mark: number },
): Promise<ReadonlySet<FileId>> {
	const { fs, run } = round.rep
	const token = fs.nextToken++
	try {
		const entered = await patiently(run, async () => enterPlain(round, { asked, made, token }))
		const isEntered = new Set(entered)
		await discard(
			round,
			made.filter((each) => !isEntered.has(each)),
		)
		await round.hold('entered', idsOf(entered))
		if (entered.length > 0) await bring(round, entered, { asked, token, mark })
		return new Set(idsOf(entered))
	} finally {
		round.underWay.delete(token)
	}
}

/** To their names. */
async function bring(
	round: Round,
	entered: readonly MadePlain[],
	{ asked, token, mark }: { asked: Asked; token: number; mark: number },
): Promise<void> {
	const { fs, node, run } = round.rep
	await makeWay(round, new Set(entered.flatMap(({ plain }) => asked.directories.get(plain.parent) ?? [])))
	let missed: ReadonlySet<MadePlain> = new Set()
	if ((await areInPlace(round, entered)) && (await isOnDisk(round, mark))) {
		fs.later.add(intents.doneAllQuery(fs.client, { node: node.id, token }))
		fs.carrying.delete(token)
		round.sources.forgetStanding()
	} else missed = await bringEach(round, entered, token)
	for (const each of entered) {
		if (missed.has(each)) run.trouble(Buffer.from(each.path, 'latin1'), `its copy did not come to its place on node ${node.name}`)
		else run.done('copied', each.plain.bytes)
	}
}

async function areInPlace({ rep: { node }, threads }: Round, entered: readonly MadePlain[]): Promise<boolean> {
	const placed = await threads.place({
		on: treeOf(node),
		from: joinWays(entered.map(({ aside }) => aside)),
		to: entered.map(({ path }) => `${path}\0`).join(''),
		inos: Float64Array.from(entered, ({ ino }) => ino),
		areNew: Uint8Array.from(entered, ({ plain }) => (isNew(plain) ? 1 : 0)),
		isSynced: false,
	})
	return placed.every(Boolean)
}

/** Once more, and one by one: it is the same with those that are in their place. The others are returned. */
async function bringEach(round: Round, entered: readonly MadePlain[], token: number): Promise<ReadonlySet<MadePlain>> {
	const { node } = round.rep
	const brought = entered.map((each) => ({ each, file: each.plain.id, ino: each.ino, intents: [intentOf(each, node.id, token)] }))
	return new Set((await carryOut(round, brought)).map(({ each }) => each))
}

async function isOnDisk(round: Round, mark: number): Promise<boolean> {
	try {
		await round.disk().synced(mark)
		return true
	} catch (error) {
		if (!(error instanceof Errno)) throw error
		return false
	}
}

async function discard({ rep: { node } }: Round, list: readonly MadePlain[]): Promise<void> {
	for (const { aside } of list) await node.operations.unlink(aside)
}

function idsOf(list: readonly MadePlain[]): FileId[] {
	return list.map(({ plain }) => plain.id)
}
