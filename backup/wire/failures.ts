/** How a request can fail. */

/** The server said no, in the form the protocol has for it. */
export class Refusal extends Error {
	readonly status: number
	readonly code: string
	readonly retryAfterS: number | undefined
	readonly details: { readonly [key: string]: unknown }

	constructor(status: number, details: { readonly [key: string]: unknown }) {
		super(typeof details['message'] === 'string' ? details['message'].slice(0, 500) : `status ${status}`)
		this.status = status
		this.code = typeof details['error'] === 'string' ? details['error'] : `status-${status}`
		const after = details['retryAfterS']
		this.retryAfterS = typeof after === 'number' && after >= 0 ? after : undefined
		this.details = details
	}
}

/** No answer, half of one, or one that is no answer of this protocol. */
export class Broken extends Error {}

/** The keeper, or the schedule, wants nothing done now: the run ends, and that is as it should be. */
export class NotNow extends Error {}
