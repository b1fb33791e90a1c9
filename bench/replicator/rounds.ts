/** Programs that take turns, and what is said of them. */
import { median } from '../samples.ts'

export interface Setting {
	directory: string
	rounds: number
	say(line: string): void
}

/** Each program's seconds by round; one of them is `cairn`. */
export type Times = Map<string, number[]>

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
