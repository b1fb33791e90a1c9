/** A token that the door has heard of: it looks for new ones only now and then. */
import type { Role } from '../../core/access/role.ts'
import { until } from '../support/until.ts'
import type { TestDoor } from './door.ts'

export async function knownToken(door: TestDoor, role: Role, settings: Parameters<TestDoor['token']>[1] = {}): Promise<string> {
	const token = await door.token(role, settings)
	const headers = { authorization: `Bearer ${token}` }
	await until('the token is known', async () => (await fetch(`${door.url}/openapi.json`, { headers })).status !== 401 || undefined)
	return token
}
