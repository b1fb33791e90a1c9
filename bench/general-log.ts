/** What MariaDB is asked while something is done: its general log for that while. */
import type { Mariadb } from '../tests/support/mariadb.ts'

/** What every mount does by the clock, whether or not anything else happens. */
const BY_THE_CLOCK = /^SELECT [^;]*FROM `?change`?[^;]*$|SET heartbeat|^SET GLOBAL general_log|^ping/i

/** What the clients sent, in order, each packet on one line: several statements sent together are one entry, and one round trip. */
export async function packetsDuring(mariadb: Mariadb, action: () => Promise<unknown>): Promise<string[]> {
	await mariadb.query("TRUNCATE mysql.general_log; SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON")
	try {
		await action()
	} finally {
		await mariadb.query('SET GLOBAL general_log = OFF')
	}
	const logged = (await mariadb.query(
		"SELECT CONVERT(argument USING utf8mb4) AS said FROM mysql.general_log WHERE command_type IN ('Query', 'Execute')",
	)) as { said: string }[]
	return logged.map(({ said }) => said.replace(/\s+/g, ' ').trim()).filter((said) => !BY_THE_CLOCK.test(said))
}
