import { createBreath } from '../breath.ts'

/** Several at once of a list that need not be known to its end. */
export async function inTurn<T>(
	items: AsyncGenerator<T>,
	many: number,
	signal: AbortSignal,
	work: (item: T) => Promise<void>,
): Promise<void> {
	const breath = createBreath()
	let failure: { error: unknown } | undefined
	// A generator answers those who ask at once one after the other.
	const worker = async (): Promise<void> => {
		for (;;) {
			if (signal.aborted || failure) return
			const { value, done } = await items.next()
			if (done) return
			await work(value)
			await breath()
		}
	}
	const guarded = async (): Promise<void> => {
		try {
			await worker()
		} catch (error) {
			failure ??= { error }
		}
	}
	await Promise.all(Array.from({ length: many }, guarded))
	if (failure) throw failure.error
}
