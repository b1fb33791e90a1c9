/** What is measured once, on an instance of its own, and not in turns. */
import type { Bench } from '../bench.ts'
import { directoryRename } from './directory-rename.ts'
import { memory } from './memory.ts'
import { createRoundTrips } from './round-trips.ts'
import { secondClient } from './second-client.ts'

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

export const singles: readonly Single[] = [
	directoryRename('cairn-sqlite'),
	directoryRename('cairn-mariadb'),
	createRoundTrips,
	secondClient('cairn-sqlite'),
	secondClient('cairn-mariadb'),
	memory('cairn-sqlite'),
	memory('cairn-mariadb'),
]
