/**
 * What is decided about a path on which another client is just carrying something out waits behind that, and what is decided next waits
 * behind both. The other is through within milliseconds; left to the next round of settling, the path could not be opened for two seconds, and for as
 * long as somebody goes on changing names there. So their turn comes here, and whoever decided it waits a moment for that.
 */
import * as intents from '../catalogue/intents.ts'
import type { NodeId } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { takesChanges } from '../nodes/service.ts'
import { type Maybe, type Op, wait } from '../op.ts'
import { type Filesystem, flushLater, runAside } from './filesystem.ts'
import { settleNode } from './settle.ts'

/** Whoever is carrying something out says that it is done with what he does next, or within some milliseconds. */
const LOOK_AFTER_MS = [5, 10, 20, 40]
const WAIT_MS_MAX = 100
/** Where it was in vain something is amiss there, and the rounds of settling are enough. */
const IN_VAIN_MS = 2_000
const ROWS_MAX = 500

const underWay = new WeakMap<Filesystem, Promise<void>>()
const inVain = new WeakMap<Node, number>()

export function hasten(fs: Filesystem): Maybe<void> {
	for (const id of fs.queued) if (!isHopeful(fs.nodes.get(id))) fs.queued.delete(id)
	if (fs.queued.size === 0) return
	const current = underWay.get(fs) ?? start(fs)
	return Promise.race([current, pause(WAIT_MS_MAX)])
}

function isHopeful(node: Node | undefined): boolean {
	return node !== undefined && takesChanges(node) && Date.now() - (inVain.get(node) ?? 0) > IN_VAIN_MS
}

function start(fs: Filesystem): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>()
	underWay.set(fs, promise)
	runAside(fs, 'settling', (function* () {
		try {
			yield* settleQueued(fs)
		} finally {
			underWay.delete(fs)
			resolve()
		}
	})())
	return promise
}

function* settleQueued(fs: Filesystem): Op<void> {
	for (const ms of LOOK_AFTER_MS) {
		yield* wait(pause(ms))
		for (const id of fs.queued) if (yield* isThrough(fs, id)) fs.queued.delete(id)
		if (fs.queued.size === 0) return
	}
	for (const id of fs.queued) {
		const node = fs.nodes.get(id)
		if (node) inVain.set(node, Date.now())
	}
	fs.queued.clear()
}

/** Nothing waits there any more, or for something else. */
function* isThrough(fs: Filesystem, id: NodeId): Op<boolean> {
	const node = fs.nodes.get(id)
	if (!node || !takesChanges(node)) return true
	yield* wait(flushLater(fs))
	yield* settleNode(fs, node)
	return !(yield* wait(intents.standing(fs.catalogue, id, ROWS_MAX))).some((row) => row.client_id === null)
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms))
}
