import { parseArgs } from 'node:util'

export const USAGE = `npm run bench -- [options]
  --rows REGEX     only rows whose id or title matches
  --systems a,b    only these systems
  --rounds N       rounds in turn (5)
  --files N        files of the metadata rows (10000)
  --quick          half the sequential work, a tenth of the files, three rounds; writes no docs/PERFORMANCE.md
  --json FILE      every sample, as JSON
  --dir DIR        the disk to measure on (/var/tmp)`

export interface Options {
	readonly rows: RegExp
	/** Empty: all. */
	readonly systems: readonly string[]
	readonly rounds: number
	readonly files: number
	readonly bigMib: number
	readonly json: string | undefined
	readonly directory: string
	/** Nothing was left out or made smaller: the result is what docs/PERFORMANCE.md is for. */
	readonly whole: boolean
}

export function readOptions(args: readonly string[]): Options {
	const { values } = parseArgs({
		args: [...args],
		options: {
			rows: { type: 'string' },
			systems: { type: 'string' },
			rounds: { type: 'string' },
			files: { type: 'string' },
			quick: { type: 'boolean', default: false },
			json: { type: 'string' },
			dir: { type: 'string', default: '/var/tmp' },
		},
	})
	return {
		rows: new RegExp(values.rows ?? '', 'i'),
		systems: values.systems?.split(',') ?? [],
		rounds: count('--rounds', values.rounds ?? (values.quick ? '3' : '5')),
		files: count('--files', values.files ?? (values.quick ? '1000' : '10000')),
		bigMib: values.quick ? 512 : 1024,
		json: values.json,
		directory: values.dir,
		whole: !values.quick && !values.rows && !values.systems && !values.files,
	}
}

function count(option: string, text: string): number {
	const value = Number(text)
	if (!Number.isInteger(value) || value < 1) throw new Error(`${option}: '${text}' is not a whole number above 0`)
	return value
}
