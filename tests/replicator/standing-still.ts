import type { TestContext } from 'node:test'

/** A process that stands still: its clock goes on. */
export function standingStill(t: TestContext): { forMs(ms: number): void } {
	const clock = performance.now.bind(performance)
	let stoodMs = 0
	t.mock.method(performance, 'now', () => clock() + stoodMs)
	return {
		forMs(ms) {
			stoodMs += ms
		},
	}
}
