/**
 * How a thread copies what it reads over SFTP: several files at once, because each is a handful of questions that have to go
 * there and back, and a large one by itself.
 */
import { connectSftp, type SftpReach } from '../../core/nodes/sftp.ts'
import { run } from '../../core/op.ts'
import { type Conditions, copyFile, DIRECT_BYTES_MIN, type Order, PIECE_BYTES } from './copy.ts'
import { type CopyAnswer, type Far, toFailure } from './messages.ts'
import { openSink, type Sink } from './sink.ts'
import type { OpenTree } from './trees.ts'

const FILES_AT_ONCE = 16

/** Connections of this thread; they end with it. */
let sink: Sink | undefined
const reaches = new Map<string, SftpReach>()

export async function copyFar(from: Far, to: OpenTree, orders: readonly Order[], conditions: Conditions): Promise<CopyAnswer[]> {
	const source = reachOf(from)
	const answers: CopyAnswer[] = []
	const rest = orders.entries()
	const bytesMax = Math.min(PIECE_BYTES, Math.max(1, ...orders.map(({ size }) => size)))
	async function work(own: Conditions): Promise<void> {
		for (const [index, order] of rest) answers[index] = await attempt(() => run(copyFile(source.operations, to.operations, order, own)))
	}
	if (orders.length === 1 && orders[0].size >= DIRECT_BYTES_MIN) {
		sink ??= openSink()
		const beside = sink.around(to.operations, conditions)
		answers[0] = await attempt(() => run(copyFile(source.operations, beside.to, orders[0], beside.conditions)))
	} else if (orders.length === 1) await work(conditions)
	else {
		const many = Math.min(FILES_AT_ONCE, orders.length)
		// Each has a buffer of its own, which is not as a disk wants it: what is small enough to come in numbers is not written directly.
		await Promise.all(Array.from({ length: many }, () => work({ ...conditions, direct: undefined, buffer: new Uint8Array(bytesMax) })))
	}
	return answers
}

async function attempt(copy: () => CopyAnswer | Promise<CopyAnswer>): Promise<CopyAnswer> {
	try {
		return await copy()
	} catch (error) {
		return toFailure(error)
	}
}

function reachOf(far: Far): SftpReach {
	const key = JSON.stringify(far)
	const reach = reaches.get(key) ?? connectSftp(far, far.sftp)
	reaches.set(key, reach)
	return reach
}
