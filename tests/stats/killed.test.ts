/** Whoever counts is killed at any moment, two count at once, others write meanwhile: the figures come right. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { engines } from '../catalogue/engines.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { meddle } from './meddle.ts'
import { place } from './place.ts'
import { kept, recounted } from './recount.ts'

const PROGRAM = fileURLToPath(new URL('./counting-process.ts', import.meta.url))
const KILLS = 4
const CHANGES = 30

for (const engine of engines) {
	test(`${engine.name}: figures after those who count them were killed`, async (t) => {
		const seed = seedOfRun()
		t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
		const random = randomFrom(seed)
		const { fs, driver, address, count } = await place(t, engine)
		for (let kill = 0; kill < KILLS; kill++) {
			const processes = [start(), start()]
			await Promise.all(processes.map(({ ready }) => ready))
			for (let done = 0; done < CHANGES; done++) {
				await meddle(fs, random)
				// Turns for the others, of a length that differs.
				await new Promise((resolve) => setTimeout(resolve, random.below(10)))
			}
			await Promise.all(processes.map(({ end }) => end()))
		}
		// The lease of who was killed is free at once: the process is known to be gone.
		await count()
		assert.equal((await driver.all('SELECT * FROM stat_touched')).length, 0)
		assert.deepEqual(await kept(driver), await recounted(driver))

		function start() {
			const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, address], { stdio: ['ignore', 'pipe', 'inherit'] })
			const ended = once(child, 'exit')
			t.after(() => child.kill('SIGKILL'))
			return {
				ready: once(child.stdout, 'data'),
				async end() {
					child.kill('SIGKILL')
					await ended
				},
			}
		}
	})
}
