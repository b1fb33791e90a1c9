/** The bytes: each file from its best source, and from the next where that fails. */
import { Errno, fail } from '../../core/errors.ts'
import { run as drive } from '../../core/op.ts'
import { type Copied, type Conditions, copyFile, discard, type Order, PIECE_BYTES, sideOf } from './copy.ts'
import type { Made } from './enter.ts'
import type { Tray } from './incoming.ts'
import { leave, passOn, shown } from './leave.ts'
import type { Want } from './look.ts'
import { type CopyAnswer, encodePath, type Failure, isFailure } from './messages.ts'
import { keepAside } from './place.ts'
import type { Round } from './round.ts'
import type { Found, Source } from './sources.ts'
import { suspect } from './suspect.ts'

/** What the node cannot take, another may. */
const NOT_TAKEN = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS'])
/** Of a remote node, so that no call lasts longer than it may. */
const SYNC_BYTES = 32 * 1024 ** 2
const BLOCK_BYTES = 512

interface Attempt {
	want: Want
	sources: Found[]
	order: Order
	/** Why the last source did not do. */
	why: string
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
		for (const attempt of attempts) if (!possible.includes(attempt)) await giveUp(round, attempt)
		attempts = []
		for (const group of bySource(possible)) {
			const answers = await copyGroup(round, group)
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
	return { want, sources, order, why: 'no node within reach has a good copy of it' }
}

async function giveUp(round: Round, { want, why, order }: Attempt): Promise<void> {
	if (!order.isBegun) await drive(discard(round.rep.node.operations, order))
	leave(round, want, why)
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

async function copyGroup(round: Round, group: readonly Attempt[]): Promise<CopyAnswer[]> {
	const { source } = group[0].sources[0]
	for (const { order, sources } of group) order.from = sources[0].path
	round.load.set(source.id, (round.load.get(source.id) ?? 0) + 1)
	try {
		const orders = group.map(({ order }) => order)
		return source.reach === 'local' && !round.rep.node.remote
			? await copyOnThread(round, source, orders)
			: await copyHere(round, source, orders)
	} finally {
		round.load.set(source.id, (round.load.get(source.id) ?? 1) - 1)
	}
}

async function copyOnThread(
	{ rep, threads, pace }: Round,
	{ node: from }: Source,
	orders: readonly Order[],
): Promise<CopyAnswer[]> {
	const { node: to, run } = rep
	const message = {
		from: { root: from.root, uuid: from.row.uuid },
		to: { root: to.root, uuid: to.row.uuid },
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

/** Over a network: nothing here waits on this thread. */
async function copyHere(round: Round, { operations }: Source, orders: readonly Order[]): Promise<CopyAnswer[]> {
	const answers: CopyAnswer[] = []
	const conditions = conditionsHere(round)
	for (const order of orders)
		answers.push(await attemptHere(round, () => copyOne(round, operations, { ...order, isSynced: true }, conditions)))
	return answers
}

async function copyOne(round: Round, from: Source['operations'], order: Order, conditions: Conditions): Promise<Copied> {
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
	if (answer.isOccupied) for (const { path } of want.places) await keepAside(round, path)
	return { want, asides: [order.aside, ...order.further], ino: answer.ino, hash, from: order.from }
}

async function judgeFailure(round: Round, attempt: Attempt, { code, message, side }: Failure): Promise<'again' | undefined> {
	const { want, order, sources } = attempt
	const { run, node } = round.rep
	if (code === 'ECANCELED') run.done('left', 0)
	else if (side === 'source') {
		const found = sources.shift() as Found
		// What there is of it serves the next source as well.
		order.isBegun = true
		attempt.why = `node ${found.source.name}: ${message}`
		run.note(`${shown(want)}: cannot be copied from node ${found.source.name}: ${message}`)
		if (code === 'EBADMSG') await blame(round, attempt, found)
		return 'again'
	} else if (NOT_TAKEN.has(code)) await passOn(round, want, message)
	else leave(round, want, `node ${node.name}: ${message}`)
	return undefined
}

/** The bytes are not the file's. Where some of them were copied earlier, nobody knows yet whose fault it is. */
async function judgeBytes(round: Round, attempt: Attempt): Promise<'again'> {
	const { order, want, sources } = attempt
	await drive(discard(round.rep.node.operations, order))
	if (order.isBegun) {
		order.isBegun = false
		return 'again'
	}
	const found = sources.shift() as Found
	attempt.why = `the copy on node ${found.source.name} is not what it should be`
	round.rep.run.note(`${shown(want)}: the copy on node ${found.source.name} is not what it should be`)
	await blame(round, attempt, found)
	return 'again'
}

async function blame(round: Round, { want }: Attempt, found: Found): Promise<void> {
	if (await suspect(round, want, found))
		round.rep.run.note(`${shown(want)}: the copy on node ${found.source.name} counts as suspect from now on`)
}
