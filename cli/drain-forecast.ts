/** What emptying a node would do, for people. */
import type { Amount } from '../core/catalogue/holdings.ts'
import { showPath } from '../core/text.ts'
import type { Forecast } from '../replicator/level/forecast.ts'
import { many } from './many.ts'
import { showSize } from './sizes.ts'
import { showAge, table } from './table.ts'

export function showAmount({ files, bytes }: Amount): string {
	return `${many(files, 'file')} (${showSize(bytes)}B)`
}

export function forecastLines(name: string, { held, spare, targets, unplaced, examples, seconds }: Forecast): string[] {
	const rows = targets.map((target) => [target.name, `${target.files}`, showSize(target.bytes)])
	return [
		`node ${name} holds ${showAmount(held)}; of these ${showAmount(spare)} have their copies elsewhere already`,
		...(rows.length > 0 ? ['', ...table(['TO', 'FILES', 'BYTES'], rows), ''] : []),
		...(unplaced.files > 0 ? [`cannot be placed: ${showAmount(unplaced)}`] : []),
		...examples.map(({ path, why }) => `  ${showPath(path)}: ${why}`),
		seconds === undefined ? 'how long copying takes is not known: nothing was copied lately' : `copying takes about ${showAge(seconds)}, at the pace of the last time`,
	]
}
