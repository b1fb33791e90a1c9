/** Content may take longer to come than its token holds: who lost his in the meantime puts nothing. */
import type { Reader } from '../../core/catalogue/driver.ts'
import * as tokens from '../../core/catalogue/tokens.ts'
import { type Op, wait } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { type Asking, isOfToken, refuseLost } from './access.ts'

/** To be asked in the transaction that gives the content its name; the catalogue is, where what this process knows is no longer to be believed. */
export function stillHolds({ grant }: Asking, { fs, tokens: known }: Api): (reader: Reader) => Op<void> {
	return function* (reader) {
		if (!isOfToken(grant)) return
		const { id } = grant.token
		const holds = known.holds(id) ?? (yield* wait(tokens.holds(reader, id, fs.capabilities))) !== undefined
		if (!holds) refuseLost()
	}
}
