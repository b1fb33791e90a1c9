/** Registers the cases with node:test over one directory, each run in a child process with a deadline. */
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Hands, takeHands } from '../support/hands.ts'
import { BASIC, families } from './all.ts'

const ALL = fileURLToPath(new URL('./all.ts', import.meta.url))
const CASE_DEADLINE_MS = 120_000

export interface Ground {
	/** The directory the cases work below. */
	root: string
	end(): Promise<void>
}

export function runCases(title: string, prepare: () => Promise<Ground>, which: 'all' | 'basic' = 'all'): void {
	describe(title, () => {
		let ground: Ground
		let hands: Hands | undefined
		before(async () => {
			ground = await prepare()
		})
		after(async () => {
			hands?.end()
			await ground?.end()
		})
		for (const [family, cases] of Object.entries(families)) {
			for (const name of Object.keys(cases)) {
				if (which === 'basic' && !BASIC.has(`${family}: ${name}`)) continue
				it(`${family}: ${name}`, async () => {
					hands ??= takeHands()
					try {
						await hands.run(ALL, 'runCase', [ground.root, family, name], { deadlineMs: CASE_DEADLINE_MS })
					} catch (error) {
						// A failed case may leave its process with another user's rights or working directory.
						hands.end()
						hands = undefined
						throw error
					}
				})
			}
		}
	})
}
