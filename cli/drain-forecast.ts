/** What emptying a node would do, for people. */
import type { Amount } from '../core/catalogue/holdings.ts'
import { showText } from '../core/text.ts'
import type { Forecast } from '../replicator/level/forecast.ts'
import { showSize } from './sizes.ts'
import { showAge, table } from './table.ts'

export function showAmount({ files, bytes }: Amount): string {
	return `${files} file${files === 1 ? '' : 's'} (${showSize(bytes)}B)`
}

export function forecastLines(name: string, { held, spare, targets, unplaced, examples, seconds }: Forecast): string[] {
	const rows = targets.map((target) => [target.name, `${target.files}`, showSize(target.bytes)])
	return [
		`node ${name} holds ${showAmount(held)}; ${showAmount(spare)} of it is there often enough without it`,
		...(rows.length > 0 ? ['', ...table(['TO', 'FILES', 'BYTES'], rows), ''] : []),
		...(unplaced.files > 0 ? [`cannot be placed: ${showAmount(unplaced)}`] : []),
		...examples.map(({ path, why }) => `  ${showText(path)}: ${why}`),
		`copying takes ${seconds === undefined ? 'unknown: nothing was copied lately to judge by' : `about ${showAge(seconds)}, as fast as it was the last time`}`,
	]
}
