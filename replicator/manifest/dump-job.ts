/** The nightly dump: the whole catalogue as a file on the node, the last few of them kept. */
import { PassThrough } from 'node:stream'
import type { Driver } from '../../core/catalogue/driver.ts'
import { writeDump } from '../../core/catalogue/dump/write.ts'
import type { Node } from '../../core/nodes/node.ts'
import type { Job, Replicator } from '../replicator.ts'
import { listOnNode, removeLeftovers, removeOnNode, writeOnNode } from './node-files.ts'

export const DUMPS = '.cairn/dumps'
const KIND = 'dump'
/** Names in the order of their age. */
export const DUMP_NAME = /^catalogue-\d{8}T\d{6}\.jsonl\.gz$/

export const dumpJob: Job = { what: 'dump', work }

async function work({ fs, node, run }: Replicator): Promise<void> {
	await removeLeftovers(node, KIND)
	const bytes = await dumpOnNode(fs.catalogue, node, `${DUMPS}/${nameAt(new Date())}`, run.signal).catch(unlessStopped(run.signal))
	if (bytes === undefined) return
	run.done('written', bytes)
	const names = (await listOnNode(node, DUMPS)).filter((name) => DUMP_NAME.test(name)).sort()
	for (const name of names.slice(0, -Math.max(1, fs.config.replicator.dumpsKept))) await removeOnNode(node, `${DUMPS}/${name}`)
}

async function dumpOnNode(driver: Driver, node: Node, path: string, signal: AbortSignal): Promise<number> {
	const pipe = new PassThrough()
	const writing = writeOnNode(node, path, KIND, pipe).catch((error: Error) => {
		pipe.destroy(error)
		throw error
	})
	const [bytes] = await Promise.all([writing, writeDump(driver, pipe, { signal })])
	return bytes
}

/** A dump is whole or none: one that is stopped is left to the next run. */
function unlessStopped(signal: AbortSignal): (error: Error) => undefined {
	return (error) => {
		if (!signal.aborted) throw error
	}
}

function nameAt(date: Date): string {
	return `catalogue-${date.toISOString().replaceAll(/[-:]|\.\d+Z/g, '')}.jsonl.gz`
}
