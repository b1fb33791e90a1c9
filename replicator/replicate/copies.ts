/** The bytes: each file from its best source, and from the next where that fails. */
import { Errno, fail } from '../../core/errors.ts'
import { keepStray } from '../../core/filesystem/keep-stray.ts'
import type { Path } from '../../core/ids.ts'
import { inService } from '../../core/nodes/service.ts'
import { run as drive } from '../../core/op.ts'
import { type Copied, type Conditions, copyFile, discard, type Order, PIECE_BYTES, type Readable, sideOf } from './copy.ts'
import type { Made } from './enter.ts'
import type { Tray } from './incoming.ts'
import { leave, leaveAway, passOn, shown } from './leave.ts'
import type { Want } from './look.ts'
import { type CopyAnswer, encodePath, type Failure, isFailure, treeOf } from './messages.ts'
import { packSmall, unpackAnswers } from './packets.ts'
import { patiently } from './patience.ts'
import type { Round } from './round.ts'
import { isUncertain, sinceLooked } from './since.ts'
import type { Found, Source } from './sources.ts'
import { suspect } from './suspect.ts'

/** What the node cannot take, another may. */
const NOT_TAKEN = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS'])
/** By which a host says that it cannot be spoken to, or is not the node. */
const NOT_REACHED = new Set(['ENOTCONN', 'ENODEV', 'ESTALE'])
/** Of a remote node, so that no call lasts longer than it may. */
const SYNC_BYTES = 32 * 1024 ** 2
const BLOCK_BYTES = 512
/** Of what a thread reads and writes in one piece. */
export const SMALL_BYTES_MAX = 1024 ** 2

interface Attempt {
	want: Want
	sources: Found[]
	order: Order
	/** Why the last source did not do; undefined: there is one, and it will do in a moment. */
	why: string | undefined
	/** Its node could not be reached, whatever the file. */
	isAway: boolean
}

/** Those that could be copied; what becomes of the others is said here. */
export async function copyWants(
	round: Round,
	wants: readonly Want[],
	{ tray, isStanding }: { tray: Tray; isStanding: boolean },
): Promise<Made[]> {
	const made: Made[] = []
	let attempts = await Promise.all(
		wants.map((want) => newAttempt(round, want, { tray, isStanding, isAlone: wants.length === 1 })),
	)
	while (attempts.length > 0) {
		const possible = attempts.filter((attempt) => attempt.sources.length > 0)
		for (const attempt of attempts) if (attempt.sources.length === 0) await giveUp(round, attempt)
		attempts = []
		for (const group of bySource(possible)) {
			const answers = await copyGroup(round, group, tray)
			for (const [index, attempt] of group.entries()) {
				const next = await judge(round, attempt, answers[index])
				if (next === 'again') attempts.push(attempt)
				else if (next) made.push(next)
			}
		}
	}
	return made
}

async function newAttempt(
	round: Round,
	want: Want,
	{ tray, isStanding, isAlone }: { tray: Tray; isStanding: boolean; isAlone: boolean },
): Promise<Attempt> {
	const { file, places, own } = want
	const part = round.parts.get(file.id)
	const isBegun = part !== undefined && part.part.version === file.version
	const sources = await round.sources.of(want, isStanding)
	const order: Order = {
		from: places[0].path,
		aside: isBegun ? part.path : tray.nextFor(file),
		further: places.slice(1).map(tray.next),
		to: own.version === 0 ? places.map(({ path }) => path) : [],
		size: file.size,
		isSparse: file.blocks * BLOCK_BYTES < file.size,
		attributes: {
			mode: file.mode,
			uid: file.uid,
			gid: file.gid,
			atime: file.atime,
			atimeNs: file.atime_ns,
			mtime: file.mtime,
			mtimeNs: file.mtime_ns,
		},
		isBegun,
		isSynced: isAlone,
	}
	const isWaiting = sources.length === 0 && round.sources.isWithinReach(want)
	return { want, sources, order, isAway: false, why: isWaiting ? undefined : 'no node within reach has a good copy of it' }
}

async function giveUp(round: Round, { want, why, isAway, order }: Attempt): Promise<void> {
	if (!order.isBegun) await drive(discard(round.rep.node.operations, order))
	if (why === undefined) round.rep.run.done('busy', 0)
	else if (isAway) leaveAway(round, want, why)
	else leave(round, want, why)
}

function bySource(attempts: readonly Attempt[]): Attempt[][] {
	const groups = new Map<string, Attempt[]>()
	for (const attempt of attempts) {
		const { id, reach } = attempt.sources[0].source
		const key = `${reach}:${id}`
		const group = groups.get(key)
		if (group) group.push(attempt)
		else groups.set(key, [attempt])
	}
	return [...groups.values()]
}

async function copyGroup(round: Round, group: readonly Attempt[], tray: Tray): Promise<CopyAnswer[]> {
	const { source } = group[0].sources[0]
	for (const { order, sources } of group) order.from = sources[0].path
	round.load.set(source.id, (round.load.get(source.id) ?? 0) + 1)
	try {
		const orders = group.map(({ order }) => order)
		if (source.reach === 'remote' || round.rep.node.remote) return await copyHere(round, source, orders)
		if (source.reach === 'sftp') return await copyOnThread(round, source, orders)
		return await copyOnThreads(round, source, orders, tray)
	} finally {
		round.load.set(source.id, (round.load.get(source.id) ?? 1) - 1)
	}
}

async function copyOnThreads(round: Round, source: Source, orders: readonly Order[], tray: Tray): Promise<CopyAnswer[]> {
	const isPlain = orders.map((order) => isSmall(order, tray))
	const [small, others] = [true, false].map((wanted) => orders.filter((_, index) => isPlain[index] === wanted))
	const [first, second] = [
		small.length > 0 ? await copySmall(round, source, small, tray) : [],
		others.length > 0 ? await copyOnThread(round, source, others) : [],
	].map((answers) => answers.values())
	return isPlain.map((plain) => (plain ? first : second).next().value as CopyAnswer)
}

/** It is one of many, and to be copied in one piece. */
function isSmall({ size, isSparse, isBegun, isSynced, further, from, to, aside }: Order, tray: Tray): boolean {
	if (isSparse || isBegun || isSynced || further.length > 0 || size > SMALL_BYTES_MAX) return false
	return (to.length === 0 || to[0].equals(from)) && tray.has(aside)
}

async function copySmall(
	{ rep, threads, pace }: Round,
	{ node: from }: Source,
	orders: readonly Order[],
	tray: Tray,
): Promise<CopyAnswer[]> {
	const message = { from: treeOf(from), to: treeOf(rep.node), ...packSmall(tray.path as Path, orders), isSynced: true }
	return unpackAnswers(await threads.copySmall(message, { pace: pace && ((bytes) => pace(bytes, rep.run.signal)) }))
}

async function copyOnThread(
	{ rep, threads, pace }: Round,
	{ node: from, sftp }: Source,
	orders: readonly Order[],
): Promise<CopyAnswer[]> {
	const { node: to, run } = rep
	const message = {
		from: sftp ? { name: from.name, uuid: from.row.uuid, sftp } : treeOf(from),
		to: treeOf(to),
		orders: orders.map((order) => ({
			...order,
			from: encodePath(order.from),
			aside: encodePath(order.aside),
			further: order.further.map(encodePath),
			to: order.to.map(encodePath),
		})),
	}
	return await threads.copy(message, {
		pace: pace && ((bytes) => pace(bytes, run.signal)),
		moved: (bytes) => run.moved(bytes),
	})
}

/** Through the lanes of what is mounted over a network: nothing here waits on this thread. */
async function copyHere(round: Round, source: Source, orders: readonly Order[]): Promise<CopyAnswer[]> {
	const answers: CopyAnswer[] = []
	const operations = await round.sources.operationsOf(source)
	const conditions = conditionsHere(round)
	for (const order of orders)
		answers.push(await attemptHere(round, () => copyOne(round, operations, { ...order, isSynced: true }, conditions)))
	return answers
}

async function copyOne(round: Round, from: Readable, order: Order, conditions: Conditions): Promise<Copied> {
	return await drive(copyFile(from, await round.target(), order, conditions))
}

async function attemptHere(_: Round, copy: () => Promise<Copied>): Promise<CopyAnswer> {
	try {
		return await copy()
	} catch (error) {
		if (!(error instanceof Errno)) throw error
		return { code: error.code, message: error.message, side: sideOf(error) } satisfies Failure
	}
}

function conditionsHere({ rep: { run, node }, pace }: Round): Conditions {
	let unsyncedBytes = 0
	return {
		buffer: new Uint8Array(PIECE_BYTES),
		pace(bytes) {
			if (run.signal.aborted) fail('ECANCELED')
			return bytes > 0 ? pace?.(bytes, run.signal) : undefined
		},
		written(fd, _position, bytes) {
			if (bytes === PIECE_BYTES) run.moved(bytes)
			unsyncedBytes += bytes
			if (!node.remote || unsyncedBytes < SYNC_BYTES) return
			unsyncedBytes = 0
			return node.operations.sync(fd, true)
		},
	}
}

/** What was made; 'again' with the next source, or undefined when the file is dealt with. */
async function judge(round: Round, attempt: Attempt, answer: CopyAnswer): Promise<Made | 'again' | undefined> {
	const { want, order } = attempt
	if (isFailure(answer)) return await judgeFailure(round, attempt, answer)
	const hash = Buffer.from(answer.hash, 'hex')
	if (want.hash && !want.hash.equals(hash)) return await judgeBytes(round, attempt)
	if (answer.isOccupied && !(await clear(round, attempt))) return undefined
	return { want, asides: [order.aside, ...order.further], ino: answer.ino, hash, from: order.from }
}

/** False when what stands there may be known: the file has changed since, or something decided about its place is yet to be carried out. */
async function clear(round: Round, { want, order }: Attempt): Promise<boolean> {
	const why = (await sinceLooked(round, want)) ?? ((await isUncertain(round, want)) ? 'busy' : undefined)
	if (why) {
		await drive(discard(round.rep.node.operations, order))
		round.rep.run.done(why, 0)
		return false
	}
	for (const { path } of want.places) await drive(keepStray(round.rep.fs, round.rep.node, path))
	return true
}

async function judgeFailure(round: Round, attempt: Attempt, { code, message, side }: Failure): Promise<'again' | undefined> {
	const { want, order, sources } = attempt
	const { run, node } = round.rep
	if (code === 'ECANCELED') run.done('left', 0)
	else if (side === 'source') {
		const why = await sinceLooked(round, want)
		if (why) {
			await drive(discard(node.operations, order))
			run.done(why, 0)
			return undefined
		}
		const found = sources.shift() as Found
		// What there is of it serves the next source as well.
		order.isBegun = true
		attempt.why = `node ${found.source.name}: ${message}`
		attempt.isAway = NOT_REACHED.has(code)
		// Of the last one it is said why the file is left.
		if (sources.length > 0) run.note(`${shown(want)}: cannot be copied from node ${found.source.name}: ${message}`)
		if (code === 'EBADMSG') await blame(round, attempt, found)
		return 'again'
	} else if (!inService(node)) throw new Errno(code, `node ${node.name} is away: ${message}`)
	else if (NOT_TAKEN.has(code)) await passOn(round, want, message)
	else leave(round, want, `node ${node.name}: ${message}`)
	return undefined
}

/** The bytes are not the file's. Where some of them were copied earlier, nobody knows yet whose fault it is. */
async function judgeBytes(round: Round, attempt: Attempt): Promise<'again' | undefined> {
	const { order, want, sources } = attempt
	await drive(discard(round.rep.node.operations, order))
	if (order.isBegun) {
		order.isBegun = false
		return 'again'
	}
	const why = await sinceLooked(round, want)
	if (why) return void round.rep.run.done(why, 0)
	const found = sources.shift() as Found
	attempt.why = `the copy on node ${found.source.name} is not what it should be`
	attempt.isAway = false
	if (sources.length > 0) round.rep.run.note(`${shown(want)}: ${attempt.why}`)
	await blame(round, attempt, found)
	return 'again'
}

async function blame(round: Round, { want }: Attempt, found: Found): Promise<void> {
	if (await patiently(round.rep.run, () => suspect(round, want, found)))
		round.rep.run.note(`${shown(want)}: the copy on node ${found.source.name} counts as suspect from now on`)
}
