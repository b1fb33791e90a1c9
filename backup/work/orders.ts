/** The way back: files the keeper asks for are sent, in parts, going on where the server has got to. */
import fs from 'node:fs'
import { standing } from '../folder/aside.ts'
import { hashOfFile, isUnreadable, type LocalFile, lookFailure, openLocal } from '../folder/local-file.ts'
import { findSpot, type Spot } from '../folder/spot.ts'
import { namesOf } from '../names/archive-path.ts'
import { hashIn, listIn, pathIn, shown, wholeIn } from '../wire/answers.ts'
import { Refusal } from '../wire/failures.ts'
import { leave, type Run } from './run.ts'

const LIMIT = 100
const ROUNDS_MAX = 10_000
const PART_BYTES = 8 * 1024 * 1024
/** Times one upload may be told to go on elsewhere, or to begin again. */
const TURNS_MAX = 3

type Unfit = 'missing' | 'mismatch' | 'io'

interface Order {
	order: number
	path: Buffer
	size: number
	hash: string | null
	offset: number
}

export async function fillOrders(run: Run): Promise<void> {
	run.watcher.title('restore')
	const tried = new Set<number>()
	for (let round = 0; round < ROUNDS_MAX; round++) {
		const items = listIn(await run.client.call('GET', `/orders?limit=${LIMIT}`), 'orders')
		const orders: Order[] = items.map((item) => ({
			order: wholeIn(item, 'order'),
			path: pathIn(item),
			size: wholeIn(item, 'size'),
			hash: hashIn(item, 'hash'),
			offset: wholeIn(item, 'offset'),
		}))
		const fresh = orders.filter(({ order }) => !tried.has(order))
		if (fresh.length === 0) return
		run.watcher.expected(fresh.length, fresh.reduce((sum, { size }) => sum + size, 0))
		for (const order of fresh) {
			tried.add(order.order)
			await fill(run, order)
		}
	}
}

async function fill(run: Run, order: Order): Promise<void> {
	try {
		const file = await find(run, order)
		if (typeof file === 'string') return await cannot(run, order, file)
		try {
			await send(run, order, file)
		} finally {
			file.close()
		}
		run.watcher.done()
	} catch (error) {
		if (isUnreadable(error)) return await cannot(run, order, 'io')
		if (!(error instanceof Refusal) || error.status !== 404) throw error
		run.watcher.note(`${shown(order.path)}: is no longer asked for`)
	}
}

/** The file itself, or one of that name that was set aside, whichever is what is wanted. */
async function find({ folder }: Run, order: Order): Promise<LocalFile | Unfit> {
	let seen: Unfit = 'missing'
	try {
		const spot = findSpot(folder, namesOf(order.path, folder.platform), false)
		if (spot === undefined) return 'missing'
		try {
			for (const name of standing(spot)) {
				const found = await fitting({ directory: spot.directory, name }, order)
				if (typeof found !== 'string') return found
				if (found !== 'missing') seen = found
			}
			return seen
		} finally {
			spot.close()
		}
	} catch (error) {
		return lookFailure(error)
	}
}

async function fitting(spot: Pick<Spot, 'directory' | 'name'>, { size, hash }: Pick<Order, 'size' | 'hash'>): Promise<LocalFile | Unfit> {
	let file: LocalFile | undefined
	let isFit = false
	try {
		file = openLocal(spot)
		if (file === undefined) return 'missing'
		isFit = file.size === size && (hash === null || (await hashOfFile(file)) === hash)
		return isFit ? file : 'mismatch'
	} catch (error) {
		if (isUnreadable(error)) return 'io'
		throw error
	} finally {
		if (!isFit) file?.close()
	}
}

async function send(run: Run, { order, path, size, offset: start }: Order, file: LocalFile): Promise<void> {
	const buffer = Buffer.allocUnsafe(Math.min(PART_BYTES, size))
	let offset = Math.min(start, size)
	for (let turns = 0; ; ) {
		const before = offset
		const bytes = fs.readSync(file.fd, buffer, 0, Math.min(buffer.length, size - offset), offset)
		try {
			const answer = await run.client.put(`/orders/${order}?offset=${offset}`, buffer.subarray(0, bytes))
			run.watcher.moved(bytes)
			if (answer['done'] === true) return
			offset = wholeIn(answer, 'offset')
		} catch (error) {
			if (!(error instanceof Refusal) || (error.code !== 'offset' && error.code !== 'hash')) throw error
			offset = wholeIn(error.details, 'offset')
			// Further on than was known here: only the answer to a part was lost.
			if (offset <= before && ++turns >= TURNS_MAX) return await cannot(run, { order, path }, 'mismatch')
		}
		// A server that gets nowhere is not served for ever.
		if ((offset >= size || offset <= before) && ++turns > TURNS_MAX) return await cannot(run, { order, path }, 'io')
		if (offset > size) offset = size
	}
}

async function cannot(run: Run, { order, path }: Pick<Order, 'order' | 'path'>, error: string): Promise<void> {
	leave(run, shown(path), `the keeper asked for it, and it cannot be given: ${error}`)
	await run.client.call('POST', `/orders/${order}/fail`, { error })
}
