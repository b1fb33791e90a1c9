/**
 * How a thread copies what it reads over SFTP: several files at once, because each is a handful of questions that have to go
 * there and back, and a large one by itself.
 */
import type { NodeOperations } from '../../core/nodes/node.ts'
import { connectSftp, type SftpReach } from '../../core/nodes/sftp.ts'
import { run } from '../../core/op.ts'
import { type Conditions, copyFile, DIRECT_BYTES_MIN, type Order, PIECE_BYTES } from './copy.ts'
import { type CopyAnswer, type Far, toFailure } from './messages.ts'
import { openSink, type Sink } from './sink.ts'
import type { OpenTree } from './trees.ts'

const FILES_AT_ONCE = 16

/** Connections of this thread, until it is at rest. */
const reaches = new Map<string, SftpReach>()
let sink: Sink | undefined

export async function copyFar(from: Far, to: OpenTree, orders: readonly Order[], conditions: Conditions): Promise<CopyAnswer[]> {
	const source = reachOf(from).operations
	const copy = (order: Order, target: NodeOperations, own: Conditions) => attempt(() => run(copyFile(source, target, order, own)))
	if (orders.length > 1) return await copySeveral(orders, (order, buffer) => copy(order, to.operations, { ...conditions, direct: undefined, buffer }))
	if (orders[0].size < DIRECT_BYTES_MIN) return [await copy(orders[0], to.operations, conditions)]
	sink ??= openSink()
	const beside = sink.around(to.operations, conditions)
	return [await copy(orders[0], beside.to, beside.conditions)]
}

/** Each with memory of its own. */
async function copySeveral(
	orders: readonly Order[],
	copy: (order: Order, buffer: Uint8Array) => Promise<CopyAnswer>,
): Promise<CopyAnswer[]> {
	const bytesMax = Math.min(PIECE_BYTES, Math.max(1, ...orders.map(({ size }) => size)))
	const answers: CopyAnswer[] = []
	const rest = orders.entries()
	const work = async () => {
		const buffer = new Uint8Array(bytesMax)
		for (const [index, order] of rest) answers[index] = await copy(order, buffer)
	}
	await Promise.all(Array.from({ length: Math.min(FILES_AT_ONCE, orders.length) }, work))
	return answers
}

async function attempt(copy: () => CopyAnswer | Promise<CopyAnswer>): Promise<CopyAnswer> {
	try {
		return await copy()
	} catch (error) {
		return toFailure(error)
	}
}

export function leaveReaches(): void {
	for (const reach of reaches.values()) void reach.end()
	reaches.clear()
}

function reachOf(far: Far): SftpReach {
	const key = JSON.stringify(far)
	const reach = reaches.get(key) ?? connectSftp(far, far.sftp)
	reaches.set(key, reach)
	return reach
}
