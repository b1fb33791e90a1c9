/** What is measured once, on an instance of its own, and not in turns. */
import { directoryRename } from './directory-rename.ts'
import { memory } from './memory.ts'
import { createRoundTrips } from './round-trips.ts'
import { secondClient } from './second-client.ts'
import type { Single } from './single.ts'

export const singles: readonly Single[] = [
	directoryRename('cairn-sqlite'),
	directoryRename('cairn-mariadb'),
	createRoundTrips,
	secondClient('cairn-sqlite'),
	secondClient('cairn-mariadb'),
	memory('cairn-sqlite'),
	memory('cairn-mariadb'),
]
