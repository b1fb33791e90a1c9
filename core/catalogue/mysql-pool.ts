/** The connections of one process: made when wanted, reused last in first out, never more than the limit. */
import { whenAwakeUntil } from '../awake.ts'
import { CatalogueError } from '../errors.ts'
import { inVain } from './mysql-errors.ts'
import type { Session } from './mysql-session.ts'

export interface Pool {
	take(untilMs: number): Promise<Session>
	give(session: Session): void
	close(): Promise<void>
}

interface Waiter {
	resolve(session: Session | undefined): void
}

export function openPool(connect: (untilMs: number) => Promise<Session>, connectionsMax: number): Pool {
	const idle: Session[] = []
	const waiters: Waiter[] = []
	let open = 0
	let closed = false

	async function connectOne(untilMs: number): Promise<Session> {
		open++
		try {
			return await connect(untilMs)
		} catch (error) {
			drop()
			throw error
		}
	}

	/** A connection less: whoever waits first may make another. */
	function drop(): void {
		open--
		waiters.shift()?.resolve(undefined)
	}

	/** What ended one while it was in use (a firewall that has forgotten, a server that is elsewhere now) may have befallen the others, and those say nothing. */
	function leaveIdle(): void {
		for (const session of idle.splice(0)) {
			void session.end()
			open--
		}
	}

	function usable(): Session | undefined {
		for (let session = idle.pop(); session; session = idle.pop()) {
			if (session.alive) return session
			open--
		}
		return undefined
	}

	function queued(untilMs: number): Promise<Session | undefined> {
		return new Promise((resolve, reject) => {
			const answered = whenAwakeUntil(untilMs, () => {
				waiters.splice(waiters.indexOf(waiter), 1)
				reject(inVain(`all ${connectionsMax} connections are busy`))
			})
			const waiter: Waiter = {
				resolve(session) {
					answered()
					resolve(session)
				},
			}
			waiters.push(waiter)
		})
	}

	return {
		async take(untilMs) {
			for (;;) {
				if (closed) throw new CatalogueError('EIO', 'the catalogue was closed')
				const session = usable()
				if (session) return session
				if (open < connectionsMax) return connectOne(untilMs)
				const given = await queued(untilMs)
				if (given?.alive) return given
				if (given) open--
			}
		},
		give(session) {
			if (session.alive && !closed) {
				const waiter = waiters.shift()
				if (waiter) waiter.resolve(session)
				else idle.push(session)
				return
			}
			// Without a word the server writes down that it was left.
			if (session.alive) void session.end()
			else {
				session.destroy()
				leaveIdle()
			}
			drop()
		},
		async close() {
			closed = true
			await Promise.all(idle.splice(0).map((session) => session.end()))
		},
	}
}
