/**
 * COMMIT sent, answer lost: was it carried out? Each transaction that writes also moves its connection's row of
 * `commit_token` on by one, in the packet of the COMMIT, so this costs no round trip. After a lost answer that row is read
 * on another connection. Reading alone would not do: the packet may still be under way, and be carried out after we looked
 * and tried again. So the reader moves the row past it, and the late statement then fails, its COMMIT with it: it sets NULL
 * where it does not find the number it expects, or inserts a row that exists. Where the late transaction holds the row, the
 * reader waits for its end. On a Galera cluster, where another node's row lock is not seen, both writing the row makes one
 * of the two fail at its commit.
 */
import { freshToken, type Session, type Token } from './mysql-session.ts'

/** A row is used by its connection for a day and removed after a week: a fence is never missed for its age. */
const TOKEN_AGE_MS_MAX = 86_400_000
const TOKEN_KEPT_SECONDS = 604_800

/**
 * The statement that goes right before the COMMIT; `token` is the row as it will be. It also keeps how many rows the
 * statement before it touched, for the caller of a single change whose answer was lost; where that statement `decides`, this one
 * fails if it touched none.
 */
export function tokenStatement({ id, count }: Token, decides: boolean): string {
	if (count === 1) return `INSERT INTO commit_token (id, n, touched, at) VALUES (${id}, ${decides ? 'IF(ROW_COUNT() > 0, 1, NULL)' : 1}, ROW_COUNT(), UNIX_TIMESTAMP())`
	const isDue = decides ? `n = ${count - 1} AND ROW_COUNT() > 0` : `n = ${count - 1}`
	return `UPDATE commit_token SET touched = ROW_COUNT(), n = IF(${isDue}, ${count}, NULL) WHERE id = ${id}`
}

export function nextToken(session: Session): Token {
	if (performance.now() - session.token.madeMs > TOKEN_AGE_MS_MAX) session.token = freshToken()
	return { ...session.token, count: session.token.count + 1 }
}

/**
 * What became of the transaction that was to leave `token`: the rows its last statement touched if it was committed,
 * undefined if it was not and never will be.
 */
export async function settle(session: Session, { id, count }: Token, untilMs: number): Promise<number | undefined> {
	const fence = count + 1
	const results = await session.send(
		[
			'START TRANSACTION',
			`INSERT INTO commit_token (id, n, touched, at) VALUES (${id}, ${fence}, 0, UNIX_TIMESTAMP()) ` +
				`ON DUPLICATE KEY UPDATE n = IF(n = ${count - 1}, ${fence}, n)`,
			`SELECT n, touched FROM commit_token WHERE id = ${id}`,
			'COMMIT',
		],
		untilMs,
	)
	const [row] = results[2] as { n: number; touched: number }[]
	return row.n === count ? row.touched : undefined
}

export const PRUNE_TOKENS = `DELETE FROM commit_token WHERE at < UNIX_TIMESTAMP() - ${TOKEN_KEPT_SECONDS}`
