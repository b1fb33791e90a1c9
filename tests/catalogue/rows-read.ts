/** What a question costs: the rows a server has read for it. */
import type { Driver } from '../../core/catalogue/driver.ts'

/** As the server tells it; of SQLite nothing is asked. */
export async function rowsRead(driver: Driver, isServer: boolean): Promise<() => Promise<number>> {
	const ask = async () => {
		if (!isServer) return 0
		const rows = await driver.all<{ Value: string }>("SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Handler_icp_attempts'")
		return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
	}
	const before = await ask()
	return async () => (await ask()) - before
}
