/** What the configuration may say, said with an option. */
import { type Check, Wrong } from '../core/config/checks.ts'
import { UserError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'

export function checked(option: string, value: string, check: Check): string {
	try {
		check(value, option)
		return value
	} catch (error) {
		throw error instanceof Wrong ? new UserError(error.message, EXIT.usage) : error
	}
}
