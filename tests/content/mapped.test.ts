/** A database that is mapped and stays open: what others are told of it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { takeHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'

const MAPPED = fileURLToPath(new URL('./mapped.ts', import.meta.url))
const LONG_AGO = { seconds: 1000, nanoseconds: 0 }

it('what is written through a mapping shows in the times of its file while that stays open', async () => {
	let up = await startUp()
	const file = join(up.mountPoint, 'file')
	// To look is another's part: whoever starts a process closes, in that, what he has open.
	const [writer, looker] = [takeHands(), takeHands()]
	const mtime = () => looker.run<number>(MAPPED, 'mtimeOf', [file])
	try {
		await writer.do('write', file, Buffer.alloc(4096))
		await writer.do('setTimes', file, LONG_AGO, LONG_AGO)
		await up.stop()
		up = await up.again()
		// Nobody has it open: the kernel may keep its time for an hour.
		assert.equal(await mtime(), LONG_AGO.seconds)
		await writer.run(MAPPED, 'writeMapped', [file])
		await until('the time is another', async () => ((await mtime()) > LONG_AGO.seconds ? true : undefined))
	} finally {
		for (const hands of [writer, looker]) hands.end()
		await up.remove()
	}
})
