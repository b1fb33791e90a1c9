/** What only who runs a schedule can say against it: the loader knows how many fields it has, and how far their numbers go. */
import { UserError } from '../core/errors.ts'
import type { Config } from '../core/config/types.ts'
import { wrongWith } from '../replicator/service/due.ts'
import { EXIT } from './exit-codes.ts'

export function checkSchedule({ replicator: { schedule } }: Config): void {
	for (const [name, expression] of Object.entries(schedule)) {
		const wrong = expression === '' ? undefined : wrongWith(expression)
		if (wrong) throw new UserError(`replicator.schedule.${name}: found '${expression}': ${wrong}`, EXIT.configuration)
	}
}
