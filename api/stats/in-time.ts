/** Whoever looks at a page wants to see something soon, also where the catalogue gives no answer. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Errno } from '../../core/errors.ts'
import type { Maybe } from '../../core/op.ts'

const ANSWER_MS_MAX = 2_000

/** The answer, or ETIMEDOUT; the question goes on, and its answer is nobody's. */
export async function inTime<T>(answer: Maybe<T>): Promise<T> {
	const late = new AbortController()
	const asked = Promise.resolve(answer)
	const timer = sleep(ANSWER_MS_MAX, undefined, { signal: late.signal }).then(
		() => {
			throw new Errno('ETIMEDOUT', 'the catalogue does not answer')
		},
		() => asked,
	)
	try {
		return await Promise.race([asked, timer])
	} finally {
		late.abort()
	}
}
