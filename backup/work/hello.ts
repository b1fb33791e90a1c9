/** Who we are, and what the keeper set for this site. */
import type { Folder } from '../folder/folder.ts'
import { objectIn, wholeIn } from '../wire/answers.ts'
import type { Client } from '../wire/client.ts'
import { NotNow } from '../wire/failures.ts'

declare const AGENT_VERSION: string

const PARALLEL_MAX = 16
const FILES_MAX = 1_000

export interface Hello {
	parallel: number
	filesPerBatch: number
	bytesPerBatch: number
	bytesPerSecond: number | null
	direct: string | null
	/** The server's clock less ours. */
	aheadS: number
	/** The same of the clock that nobody sets. */
	aheadMs: number
	pending: { work: boolean; challenges: number; notices: number; orders: number }
}

export async function sayHello(client: Client, folder: Folder, starting: boolean): Promise<Hello> {
	const said = await client.call('POST', '/hello', {
		starting,
		version: AGENT_VERSION,
		platform: process.platform,
		freeBytes: folder.freeBytes(),
	})
	if (said['paused'] === true) {
		const after = typeof said['retryAfterS'] === 'number' ? said['retryAfterS'] : 0
		throw new NotNow(`the keeper has paused this site${after > 0 ? `; to come back in ${Math.ceil(after / 60)} minutes` : ''}`)
	}
	const settings = objectIn(said['settings'], 'settings')
	const pending = objectIn(said['pending'], 'pending')
	const serverAt = wholeIn(said, 'serverAt')
	const { bytesPerSecond, direct } = settings
	return {
		parallel: Math.min(PARALLEL_MAX, Math.max(1, wholeIn(settings, 'parallel'))),
		filesPerBatch: Math.min(FILES_MAX, Math.max(1, wholeIn(settings, 'filesPerBatch'))),
		bytesPerBatch: wholeIn(settings, 'bytesPerBatch'),
		bytesPerSecond: typeof bytesPerSecond === 'number' ? bytesPerSecond : null,
		direct: typeof direct === 'string' ? direct : null,
		aheadS: serverAt - Math.floor(Date.now() / 1000),
		aheadMs: serverAt * 1000 - performance.now(),
		pending: {
			work: pending['work'] !== false,
			challenges: wholeIn(pending, 'challenges'),
			notices: wholeIn(pending, 'notices'),
			orders: wholeIn(pending, 'orders'),
		},
	}
}
