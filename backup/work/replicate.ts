/** Fetching what the site is to have, batch by batch, until there is nothing left to do; and on the way whatever the server asks. */
import { leaseIn, type Lease } from '../fetch/wanted.ts'
import { fetchBatch } from '../fetch/batch.ts'
import { openPortions, PORTION_FILES_MAX, type Portions } from '../fetch/portion.ts'
import { Refusal } from '../wire/failures.ts'
import { answerChallenges } from './challenges.ts'
import { sayHello } from './hello.ts'
import { readNotices } from './notices.ts'
import { fillOrders } from './orders.ts'
import type { Run } from './run.ts'

const HELLO_EVERY_MS = 120_000
/** Batches in a row of which nothing came: more of them would bring no more. */
const BARREN_MAX = 3
const RENEW_SHARE = 1 / 3
const RENEW_MS_MIN = 1_000
/** Time in which this machine slept is not known of. */
const RENEW_MS_MAX = 300_000

type Counts = ReturnType<Portions['counts']>

export async function replicate(run: Run, mode: string | undefined): Promise<string> {
	await attend(run)
	const portions = openPortions(run)
	await fetchAll(run, portions, mode)
	run.hello = await sayHello(run.client, run.folder, false)
	await attend(run)
	const { claimed } = portions.counts()
	return `${claimed} ${claimed === 1 ? 'file' : 'files'} came${run.left > 0 ? `, left: ${run.left}` : ''}`
}

async function fetchAll(run: Run, portions: Portions, mode: string | undefined): Promise<void> {
	let helloMs = performance.now()
	/** Of the lease before: at most two stand at a time. */
	let ending: Promise<void> = Promise.resolve()
	let holding: string[] = []
	for (let barren = 0; barren < BARREN_MAX; ) {
		run.watcher.title('replicate')
		const before = portions.counts()
		const lease = leaseIn(await run.client.call('POST', '/lease', { ...(mode ? { mode } : {}), ...sizeOf(run), holding }))
		if (lease === undefined) break
		holding = [lease.lease]
		const ended = await withLease(run, portions, lease).finally(() => ending)
		ending = ended.ending
		// Met where it is waited for.
		ending.catch(() => undefined)
		barren = isBarren(before, portions.counts()) ? barren + 1 : 0
		if (performance.now() - helloMs < HELLO_EVERY_MS) continue
		helloMs = performance.now()
		// What was put under its name is reported before anything is asked about what it replaced.
		await ending
		run.hello = await sayHello(run.client, run.folder, false)
		await attend(run)
	}
	await ending
}

/** Nothing came, or a portion's worth and more came and nothing of it counts. */
function isBarren(before: Counts, { came, claimed }: Counts): boolean {
	return came === before.came || (claimed === before.claimed && came - claimed > 2 * PORTION_FILES_MAX)
}

function sizeOf({ hello }: Run): { files: number; bytes: number } {
	return { files: hello.filesPerBatch, bytes: hello.bytesPerBatch }
}

/** What else the server would like. */
async function attend(run: Run): Promise<void> {
	const { pending } = run.hello
	// Nothing is to be written here for that.
	if (pending.orders > 0) await fillOrders(run)
	if (pending.notices > 0) await readNotices(run)
	if (pending.challenges > 0) await answerChallenges(run)
}

/** What came before a trouble is brought home all the same. */
async function withLease(run: Run, portions: Portions, lease: Lease): Promise<{ ending: Promise<void> }> {
	const batch = { hasEnded: false }
	const lastsMs = lease.untilAtS * 1000 - run.hello.aheadMs - performance.now()
	const timer = setInterval(() => void renew(run, lease, batch), Math.min(RENEW_MS_MAX, Math.max(RENEW_MS_MIN, lastsMs * RENEW_SHARE)))
	const end = () => portions.finish().then(() => giveBack(run, lease))
	try {
		await fetchBatch(run, portions, lease.files, batch)
		return { ending: end() }
	} catch (error) {
		await end()
		throw error
	} finally {
		clearInterval(timer)
	}
}

async function renew(run: Run, { lease }: Lease, batch: { hasEnded: boolean }): Promise<void> {
	try {
		await run.client.call('POST', `/lease/${lease}/renew`, {})
	} catch (error) {
		// Anything else is met by whoever fetches.
		if (error instanceof Refusal && error.status === 404) batch.hasEnded = true
	}
}

/** Where a file was not reported; it ends by itself anyway. */
async function giveBack(run: Run, { lease }: Lease): Promise<void> {
	await run.client.call('DELETE', `/lease/${lease}`, {}).catch(() => undefined)
}
