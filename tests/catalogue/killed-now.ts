/** A catalogue as whoever comes next finds it when this process is killed. */
import { copyFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { TestContext } from 'node:test'

export const pathOf = (address: string) => address.replace('sqlite:', '')

/** A copy of the catalogue and all beside it as they are now: what is there when this process is killed. */
export function killedNow(t: TestContext, address: string): string {
	const from = pathOf(address)
	const name = basename(from)
	const to = join(dirname(from), 'killed.db')
	for (const file of readdirSync(dirname(from))) {
		// SQLite makes the index anew, as it does when nobody has it.
		if (file.startsWith(name) && !file.endsWith('-shm')) copyFileSync(join(dirname(from), file), `${to}${file.slice(name.length)}`)
	}
	t.diagnostic(`a copy of ${from}`)
	return `sqlite:${to}`
}
