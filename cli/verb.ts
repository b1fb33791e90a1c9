/** What every verb is given, and the options every verb has. */
import type { CommandModule } from 'yargs'

export interface Deps {
	print(line: string): void
	warn(line: string): void
	environment: NodeJS.ProcessEnv
	directory: string
	/** Of the person at the keyboard. */
	uid: number
	gid: number
}

export interface Common {
	config?: string
}

export type Verb<Options extends Common = Common> = (deps: Deps) => CommandModule<Common, Options>

export const JSON_OPTION = { type: 'boolean', default: false, describe: 'print JSON' } as const
