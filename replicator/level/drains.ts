/** What a keeper says about draining a node. Each is one transaction; the rounds that follow do what it asks for. */
import type { Transaction } from '../../core/catalogue/driver.ts'
import { held } from '../../core/catalogue/holdings.ts'
import type { JobRow } from '../../core/catalogue/jobs.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import * as nodeTable from '../../core/catalogue/nodes.ts'
import { fail } from '../../core/errors.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import { refreshNodes } from '../../core/filesystem/nodes.ts'
import type { NodeRow } from '../../core/nodes/node.ts'
import { run as drive, type Op, wait } from '../../core/op.ts'
import { drainName, passAgain, progressOf, remember } from './activity.ts'
import { beginDrain, type DrainProgress } from './drain.ts'

const NOTHING = { files: 0, bytes: 0 }

/** False when it is being drained already. ENOENT where there is no such node, EINVAL for one that is dead. */
export async function startDrain(fs: Filesystem, name: string): Promise<boolean> {
	const there = await nodeTable.findByName(fs.catalogue, name)
	const total = there ? await drive(held(fs.catalogue, there.id)) : NOTHING
	return await change(fs, name, function* (tx, node, row) {
		if (node.state === 'dead') fail('EINVAL', `node ${name} is dead: there is nothing to copy from`)
		if (node.state === 'drain' && (row?.state === 'running' || row?.state === 'paused')) return false
		beginDrain(tx, fs, node, total)
		return true
	})
}

export async function pauseDrain(fs: Filesystem, name: string): Promise<void> {
	await change(fs, name, function* (tx, node, row) {
		underWay(node, row)
		jobs.setState(tx, drainName(node.id), 'paused')
	})
}

export async function resumeDrain(fs: Filesystem, name: string): Promise<void> {
	await change(fs, name, function* (tx, node, row) {
		underWay(node, row)
		jobs.setState(tx, drainName(node.id), 'running')
	})
}

/** The node is what it was before; what was asked for elsewhere is taken back by the next round. */
export async function abortDrain(fs: Filesystem, name: string): Promise<void> {
	await change(fs, name, function* (tx, node, row) {
		const progress = underWay(node, row)
		jobs.setState(tx, drainName(node.id), 'running')
		remember(tx, drainName(node.id), { ...progress, aborting: true })
		if (node.state === 'drain') nodeTable.update(tx, node.id, { ...node, state: progress.former }, fs.capabilities)
		yield* passAgain(tx)
	})
}

function underWay({ name, state }: NodeRow, row: JobRow | undefined): DrainProgress {
	const progress = progressOf<DrainProgress>(row)
	if (progress && (row?.state === 'running' || row?.state === 'paused')) return progress
	const isOver = row?.state === 'done' && state === 'drain'
	return fail('EINVAL', isOver ? `node ${name} is empty already: 'cairn node set ${name} --state rw' has it used again` : `node ${name} is not being drained`)
}

type Body<T> = (tx: Transaction, node: NodeRow, row: JobRow | undefined) => Op<T>

async function change<T>(fs: Filesystem, name: string, body: Body<T>): Promise<T> {
	const result = await transact(fs, function* (tx) {
		const node = (yield* wait(nodeTable.findByName(tx, name))) ?? fail('ENOENT', `there is no node ${name}`)
		return yield* body(tx, node, yield* wait(jobs.find(tx, drainName(node.id))))
	})
	await drive(catchUp(fs))
	await drive(refreshNodes(fs))
	return result
}
