/** What is measured once: a name for it, where, and what comes of it. */
import type { Bench } from '../bench.ts'

export interface Finding {
	readonly title: string
	readonly value: string
	/** Empty: a figure without one. */
	readonly target: string
	readonly met: boolean | undefined
	readonly explanation?: string
}

export interface Single {
	readonly id: string
	readonly title: string
	readonly system: 'cairn-sqlite' | 'cairn-mariadb'
	measure(bench: Bench, folder: string): Promise<Finding[]>
}
