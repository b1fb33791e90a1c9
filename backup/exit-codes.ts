/** What a run ends with. Scripts depend on these numbers: none is ever given another meaning. */
export const EXIT = {
	ok: 0,
	left: 1,
	usage: 2,
	settings: 3,
	unreachable: 4,
	refused: 5,
	noRoom: 6,
	folder: 7,
	unexpected: 8,
} as const

const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
	ok: 'done; also: nothing to do, paused by the keeper, or another run is under way in this folder',
	left: 'some files were left, each was named; the next run tries again',
	usage: 'unknown option, or a value that makes no sense',
	settings: 'a setting is missing or wrong',
	unreachable: 'the server cannot be reached, or does not answer as it should',
	refused: 'the server does not accept us: key, site or folder is not what it knows',
	noRoom: 'the disk has no more room than is to be kept free',
	folder: 'the folder is missing, or cannot be used',
	unexpected: 'something unexpected',
}

/** Ends the run: one line for the owner, and the code. */
export class Ending extends Error {
	readonly exit: number

	constructor(exit: number, message: string) {
		super(message)
		this.exit = exit
	}
}

export function exitCodeTable(): string {
	return Object.entries(EXIT).map(([name, code]) => `  ${code}  ${EXIT_MEANINGS[name as keyof typeof EXIT]}`).join('\n')
}
