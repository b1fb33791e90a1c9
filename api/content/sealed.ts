/** What is stored here may be anything: a browser is not to take it for a page of this door. */
const PLAYED = /^(?:audio|video)\//i

/** Its type, and what keeps it from being more. */
export function sealed(type: string): Record<'content-type' | 'x-content-type-options' | 'content-security-policy', string> {
	// What plays a film asks for it once more, as whoever the film is of: if that is nobody it gets nothing.
	const policy = PLAYED.test(type) ? 'sandbox allow-same-origin' : 'sandbox'
	return { 'content-type': type, 'x-content-type-options': 'nosniff', 'content-security-policy': policy }
}
