/**
 * Whether what this process has decided is still its own to carry out. One that stood still for half a minute may have been taken for dead: others
 * have carried it out then, and what has the name by now is theirs.
 */
import type { Filesystem } from './filesystem.ts'

/** Of the machine's clock, which goes on while the machine sleeps. Well below the time after which others take a silent client for dead. */
const SHOWN_MS_MAX = 20_000

export interface Alive {
	/** When a heartbeat that came through was begun; infinite where none are shown, as in a verb that soon ends. */
	shownMs: number
	/** Of tokens: what has a smaller one was decided before others took this client for dead. */
	from: number
}

export function newAlive(): Alive {
	return { shownMs: Number.POSITIVE_INFINITY, from: 0 }
}

export function isOurs({ alive }: Pick<Filesystem, 'alive'>, token: number): boolean {
	return token >= alive.from && Date.now() - alive.shownMs <= SHOWN_MS_MAX
}
