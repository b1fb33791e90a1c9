/** Why requests cannot be served now. No reason: they can. */
import { setTimeout as sleep } from 'node:timers/promises'
import * as settings from '../../core/catalogue/settings.ts'
import { inService } from '../../core/nodes/service.ts'
import type { Api } from '../api.ts'

/** Whoever asks wants an answer soon, also where the catalogue gives none. */
const ANSWER_MS_MAX = 2_000

export async function reasonsAgainst({ fs, stopping }: Pick<Api, 'fs' | 'stopping'>): Promise<string[]> {
	const reasons: string[] = []
	if (stopping.aborted) reasons.push('the door is about to end')
	if (!(await answers(fs))) reasons.push('the catalogue does not answer')
	const nodes = [...fs.nodes.values()]
	if (!nodes.some(inService)) reasons.push(nodes.length === 0 ? 'there are no nodes' : 'no node is in service')
	return reasons
}

async function answers({ catalogue }: Api['fs']): Promise<boolean> {
	const late = new AbortController()
	const asked = Promise.resolve()
		.then(() => settings.find(catalogue, 'next_file_id'))
		.then(() => true, () => false)
	const answer = await Promise.race([asked, sleep(ANSWER_MS_MAX, false, { signal: late.signal }).catch(() => false)])
	late.abort()
	return answer
}
