import type { Path } from '../../core/ids.ts'
import { showPath } from '../../core/text.ts'

/** Why copies were kept: by reason, because there may be very many of them. */
export interface Reasons {
	/** The outcome such a file is counted under. */
	add(why: string, path: Path | string): string
	lines(): string[]
}

export function createReasons(): Reasons {
	const found = new Map<string, { many: number; first: Path | string }>()
	return {
		add(why, path) {
			const known = found.get(why)
			if (known) known.many++
			else found.set(why, { many: 1, first: path })
			return 'kept'
		},
		lines: () => [...found].map(([why, { many, first }]) => `${many} kept, because ${why} (${showPath(first)}${many > 1 ? ' and others' : ''})`),
	}
}
