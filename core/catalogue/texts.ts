/** The text of a statement that is another one on each database, made once: drivers keep statements by their text, and to look a new one up it is read whole. */
import type { Capabilities } from './driver.ts'

export function textOf(make: (capabilities: Capabilities) => string): (capabilities: Capabilities) => string {
	let last: Capabilities | undefined
	let text = ''
	return (capabilities) => {
		if (capabilities !== last) text = make(capabilities)
		last = capabilities
		return text
	}
}
