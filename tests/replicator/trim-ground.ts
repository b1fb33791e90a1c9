/** A file on three nodes that is to be on two. */
import type { TestContext } from 'node:test'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { installation } from '../unit/installation.ts'
import { copiedFile, setCopy } from './copies.ts'

export const { good, wanted, suspect, surplus } = REPLICA

const TWO = [{ name: 'two', pattern: '', copies: 2 }]

export async function three(t: TestContext) {
	const place = await installation(t, 3, TWO)
	const client = await place.start()
	const id = await copiedFile(place, client, 'f', 'text', [1, 2, 3])
	await setCopy(client.catalogue, id, 3, surplus)
	return { place, client, id, fs: client.fs, catalogue: client.catalogue }
}
