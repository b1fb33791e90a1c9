/** Rounds of a daemon killed below a writer, each verified through a new mount. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { apply, type Progress, type Step, type Written } from '../support/acknowledged.ts'
import { checkTree } from '../support/check-tree.ts'
import { type Hands, withHands } from '../support/hands.ts'
import { type MountOptions, type Mounted, startUp } from '../support/mount.ts'
import { randomFrom } from '../support/random.ts'

const ACKNOWLEDGED = fileURLToPath(new URL('../support/acknowledged.ts', import.meta.url))
const STEPS_BEFORE_KILL_MAX = 40
const CUT_OFF = /^(ENOTCONN|ECONNABORTED|EIO|EBADF|ENODEV)$/

export interface Rounds {
	mount: MountOptions
	rounds: number
	/** The writer calls fsync before close. */
	sync: boolean
	seed: number
}

export async function killWhileWriting({ mount, rounds, sync, seed }: Rounds): Promise<void> {
	const random = randomFrom(seed)
	const written: Written = new Map()
	let up = await startUp(mount)
	try {
		for (let round = 0; round < rounds; round++) {
			const after = 1 + random.below(STEPS_BEFORE_KILL_MAX)
			const pending = await withHands((hands) => writeAndKill(up, hands, { written, seed: seed + round, sync, after }))
			up = await up.again()
			await withHands((hands) => verify(up, hands, { written, pending, story: `round ${round}, seed ${seed}` }))
		}
		await up.stop()
		assert.deepEqual(await checkTree(up.catalogue), [])
	} finally {
		await up.remove()
	}
}

interface Writing {
	written: Written
	seed: number
	sync: boolean
	/** Steps acknowledged before the daemon is killed. */
	after: number
}

/** The step that was under way. */
async function writeAndKill(up: Mounted, hands: Hands, { written, seed, sync, after }: Writing): Promise<Step | undefined> {
	let [left, pending]: [number, Step | undefined] = [after, undefined]
	let killed: Promise<void> | undefined
	const onReport = (report: unknown) => {
		const { step, done } = report as Progress
		pending = done ? undefined : step
		if (done) apply(written, step)
		// In the middle of the next step, as far as that can be had: when it is known to have begun.
		if (!done && left-- === 0) killed = up.kill()
	}
	const code = await hands.run<string>(ACKNOWLEDGED, 'writeUntilKilled', [up.mountPoint, new Map(written), seed, sync], { onReport })
	assert.ok(killed, `the writer ended with ${code} before the daemon was killed`)
	await killed
	assert.match(code, CUT_OFF)
	return pending
}

interface Verification {
	written: Written
	pending: Step | undefined
	story: string
}

async function verify(up: Mounted, hands: Hands, { written, pending, story }: Verification): Promise<void> {
	const args = [up.mountPoint, written, pending]
	assert.deepEqual(await hands.run<string[]>(ACKNOWLEDGED, 'verifyWritten', args), [], `${story}, under way: ${JSON.stringify(pending)}`)
	// Whichever way the cut-off step went, the next round starts without it.
	for (const name of pending ? [pending.name, ...('to' in pending ? [pending.to] : [])] : []) {
		written.delete(name)
		if (await hands.do('exists', `${up.mountPoint}/${name}`)) await hands.do('unlink', `${up.mountPoint}/${name}`)
	}
}
