/** Content may take longer to come than its token holds: who lost his in the meantime puts nothing. */
import type { FastifyReply } from 'fastify'
import type { Reader } from '../../core/catalogue/driver.ts'
import * as tokens from '../../core/catalogue/tokens.ts'
import { type Op, wait } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { type Asking, isOfToken, refuseLost } from './access.ts'
import { KNOWN_MS } from './known.ts'

/** To be asked in the transaction that gives the content its name; what came in a moment is not asked for again. */
export function stillHolds({ grant }: Asking, reply: Pick<FastifyReply, 'elapsedTime'>, { fs }: Api): (reader: Reader) => Op<void> {
	return function* (reader) {
		if (!isOfToken(grant) || reply.elapsedTime <= KNOWN_MS) return
		if (!(yield* wait(tokens.holds(reader, grant.token.id, fs.capabilities)))) refuseLost()
	}
}
