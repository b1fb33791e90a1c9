/**
 * What `cairn replicate` does in a second, beside the programs people would use instead, in one run and in turns:
 *
 *   ./cairn exec node bench/replicator/replicate.ts [--rounds N] [--only REGEXP] [--dir DIRECTORY]
 *
 * Ratios are taken within a round and the median of the rounds is printed. `cp` and `rsync` leave their files in the page
 * cache; what replicate counts has reached the disk, so `cp` followed by a sync of its disk is there for comparison.
 * Needs root, rsync and openssh-server.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { median } from '../samples.ts'
import { bigFiles } from './big-files.ts'
import { overSftp } from './over-sftp.ts'
import { poll } from './poll.ts'
import { smallFiles } from './small-files.ts'

export interface Setting {
	directory: string
	rounds: number
	say(line: string): void
}

/** Each program's seconds by round; one of them is `cairn`. */
export type Times = Map<string, number[]>

const PARTS = { 'big files': bigFiles, 'small files': smallFiles, 'over SFTP': overSftp, poll }

const { values } = parseArgs({
	options: {
		rounds: { type: 'string', default: '5' },
		only: { type: 'string', default: '' },
		dir: { type: 'string', default: tmpdir() },
	},
})

const directory = mkdtempSync(join(values.dir, 'cairn-bench-'))
try {
	for (const [name, part] of Object.entries(PARTS)) {
		if (!new RegExp(values.only).test(name)) continue
		const own = join(directory, name.replaceAll(' ', '-'))
		mkdirSync(own)
		const setting: Setting = { directory: own, rounds: Number(values.rounds), say: (line) => console.log(`${name}: ${line}`) }
		await part(setting)
		rmSync(own, { recursive: true })
	}
} finally {
	rmSync(directory, { recursive: true, force: true })
}

/** Programs in turns, round by round. `prepare` comes before each turn and is not timed. */
export async function inRounds(
	{ rounds, say }: Setting,
	programs: Record<string, { prepare(): Promise<void>; work(): Promise<void> }>,
	wanted: Record<string, number>,
): Promise<void> {
	const times: Times = new Map(Object.keys(programs).map((name) => [name, []]))
	for (let round = 0; round < rounds; round++) {
		for (const [name, { prepare, work }] of Object.entries(programs)) {
			await prepare()
			const started = performance.now()
			await work()
			times.get(name)?.push((performance.now() - started) / 1000)
		}
	}
	for (const [name, seconds] of times)
		say(`${name}: ${median(seconds)?.toFixed(2)} s (${seconds.map((each) => each.toFixed(2)).join(', ')})`)
	const own = times.get('cairn') ?? []
	for (const [name, seconds] of times) {
		if (name === 'cairn') continue
		const ratio = median(own.map((each, round) => seconds[round] / each)) ?? 0
		const target = wanted[name]
		say(
			`${ratio.toFixed(2)} x ${name}${target === undefined ? '' : ` (wanted: ${target}, ${ratio >= target ? 'met' : 'missed'})`}`,
		)
	}
}
