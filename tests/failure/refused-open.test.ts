/** An open that fails after the file was opened here leaves nothing open: whoever hears of the failure closes nothing. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { takeHands } from '../support/hands.ts'
import { type Mounted, startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'

const HOLD_LOCK = fileURLToPath(new URL('../catalogue/hold-lock.ts', import.meta.url))
const STRANGER = fileURLToPath(new URL('./refused-open.ts', import.meta.url))
const SET_ID = 0o6777

async function withShortTimeout(up: Mounted): Promise<Mounted> {
	await up.stop()
	const text = readFileSync(up.config, 'utf8')
	writeFileSync(up.config, text.replace(/^\tclasses:/m, '\tcatalogueTimeoutMs: 1000,\n\tclasses:'))
	return await up.again()
}

const writersOf = async (up: Mounted) => JSON.parse((await up.cairn('status', '--json')).stdout).writers

test('the catalogue fails while set-id bits are cleared: the open fails, and the file is not open', async (t) => {
	const started = await startUp({ nodes: 1 })
	t.after(() => started.remove())
	const up = await withShortTimeout(started)
	t.after(() => up.stop())
	const [root, stranger] = [takeHands(), takeHands()]
	t.after(() => {
		root.end()
		stranger.end()
	})
	const path = join(up.mountPoint, 'f')
	await root.do('write', path, 'content')
	await root.do('chmod', path, SET_ID)
	const open = await root.do('openDescriptor', path, 'r+')
	assert.equal(await writersOf(up), 1)

	const holder = fork(HOLD_LOCK, [up.catalogue])
	await once(holder, 'message')
	await assert.rejects(stranger.run(STRANGER, 'emptyAsStranger', [path]), { code: 'EIO' })
	holder.send('let go')
	await once(holder, 'exit')

	await root.do('closeDescriptor', open)
	await until('nobody writes', async () => (await writersOf(up)) === 0 || undefined)
})
