/** What the doctor says of one thing. */

/** doubtful: it works, and may not be meant so, or not work for long. */
export type Level = 'well' | 'doubtful' | 'wrong'

export interface Finding {
	what: string
	level: Level
	says: string
	/** What to do about it. */
	todo?: string
}

export function found(what: string, level: Level, says: string, todo?: string): Finding {
	return { what, level, says, ...(todo === undefined ? {} : { todo }) }
}
