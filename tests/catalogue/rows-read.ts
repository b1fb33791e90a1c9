/** What a question costs: the rows a server has read for it. */
import type { Driver, Query } from '../../core/catalogue/driver.ts'

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

/** And the most rows that one question read. */
export async function asking<T>(driver: Driver, ask: (driver: Driver) => Promise<T>): Promise<{ answer: T; most: number }> {
	let most = 0
	const measured = async <R>(question: () => R | Promise<R>) => {
		const read = await rowsRead(driver, true)
		const answer = await question()
		most = Math.max(most, await read())
		return answer
	}
	const read = (...queries: Query[]) => measured(() => driver.read(...queries))
	const answer = await ask({ ...driver, read, all: (sql, params) => measured(() => driver.all(sql, params)), get: (sql, params) => measured(() => driver.get(sql, params)) } as Driver)
	return { answer, most }
}
