/** An answer that takes long is kept for many times as long: who asks again and again costs a small part of the time at most. */
const TIMES = 30

export function kept<T>(take: () => Promise<T>, nowMs: () => number = () => performance.now()): () => Promise<T> {
	let last: Promise<T> | undefined
	let untilMs = Number.NEGATIVE_INFINITY

	async function ask(): Promise<T> {
		const begunMs = nowMs()
		const answer = await take()
		untilMs = nowMs() + (nowMs() - begunMs) * TIMES
		return answer
	}

	return () => {
		if (last && nowMs() < untilMs) return last
		untilMs = Number.POSITIVE_INFINITY
		last = ask()
		last.catch(() => {
			untilMs = Number.NEGATIVE_INFINITY
		})
		return last
	}
}
