/** What MariaDB is asked while something is done: its general log for that while. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Mariadb } from '../tests/support/mariadb.ts'

/** What every mount does by the clock, whether or not anything else happens. */
const BY_THE_CLOCK = [
	/^SELECT [^;]*FROM (`?change`?|client|intent)\b[^;]*$/i,
	/^START TRANSACTION;\s*SELECT id FROM client\b/i,
	/SET heartbeat|^SET GLOBAL general_log|^ping/i,
]

/** What a daemon does a moment after its answer belongs to what it answered, and what it still owes from before does not. */
const SETTLE_MS = 1_000

/** What the clients sent, in order, each packet on one line: several statements sent together are one entry, and one round trip. */
export async function packetsDuring(mariadb: Mariadb, action: () => Promise<unknown>): Promise<string[]> {
	await delay(SETTLE_MS)
	await mariadb.query("TRUNCATE mysql.general_log; SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON")
	try {
		await action()
		await delay(SETTLE_MS)
	} finally {
		await mariadb.query('SET GLOBAL general_log = OFF')
	}
	const logged = (await mariadb.query(
		"SELECT CONVERT(argument USING utf8mb4) AS said FROM mysql.general_log WHERE command_type IN ('Query', 'Execute')",
	)) as { said: string }[]
	return logged.map(({ said }) => said.replace(/\s+/g, ' ').trim()).filter((said) => !BY_THE_CLOCK.some((habit) => habit.test(said)))
}
