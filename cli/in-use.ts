/** A catalogue that is to be changed as a whole: nobody may be at work on it. */
import * as clients from '../core/catalogue/clients.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import { UserError } from '../core/errors.ts'
import { isAlive } from '../core/filesystem/clients.ts'
import { EXIT } from './exit-codes.ts'

export async function refuseInUse(driver: Driver): Promise<void> {
	const busy = await inUseBy(driver)
	if (busy) throw new UserError(`the catalogue is in use by ${busy}: end that first, or, where it was killed, try again in half a minute`, EXIT.busy)
}

/** One of those who are, for people. */
export async function inUseBy(driver: Driver): Promise<string | undefined> {
	const [busy] = (await clients.list(driver, driver.capabilities)).filter(isAlive)
	return busy && `${busy.what}, process ${busy.pid} on ${busy.host}`
}
