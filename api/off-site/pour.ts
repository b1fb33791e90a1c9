/** Bytes on their way to a site, as fast as it may have them. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { rateNow } from '../../core/off-site/rates.ts'
import { pass } from '../../core/off-site/throttle.ts'
import type { Api } from '../api.ts'
import { bytesLeft } from './admit.ts'
import type { Site } from './known-sites.ts'
import { stateOf } from './state.ts'

/** Of what passes a throttle at once: a part of a second's worth. */
const SLICES_PER_SECOND = 20
const SLICE_BYTES_MIN = 1_024
const SLICE_BYTES_MAX = 1_048_576

export type Send = (bytes: AsyncIterable<Buffer> | Iterable<Buffer>) => Promise<void>

/** What cannot go on is cut: the agent has fewer bytes than it was told, and asks for the rest. */
export async function pour(api: Api, site: Site, { raw, what }: { raw: ServerResponse; what: string }, work: (send: Send) => Promise<void>): Promise<void> {
	const gone = new AbortController()
	const signal = AbortSignal.any([gone.signal, api.stopping])
	raw.once('close', () => gone.abort())
	const send: Send = async (bytes) => {
		for await (const chunk of bytes) {
			for (let at = 0; at < chunk.length; ) {
				const slice = chunk.subarray(at, at + (await nextSlice(api, site, chunk.length - at, signal)))
				at += slice.length
				stateOf(api).spending.add(site.row.id, slice.length)
				if (!raw.write(slice)) await once(raw, 'drain', { signal })
			}
		}
	}
	try {
		await work(send)
		raw.end()
	} catch (error) {
		if (!gone.signal.aborted) api.report(`site ${site.row.name}: ${what} was cut: ${(error as Error).message}`)
		raw.destroy()
	}
}

/** Waits until so many bytes may go; how many that are. */
async function nextSlice(api: Api, site: Site, most: number, signal: AbortSignal): Promise<number> {
	signal.throwIfAborted()
	const [own, all] = [rateNow(site.limits.rates), rateNow(api.config.backup.rates)]
	if (own === 0 || all === 0) throw new Error('the hour is closed')
	const left = bytesLeft(api, site) ?? Number.POSITIVE_INFINITY
	if (left === 0) throw new Error("the day's bytes are used up")
	const rate = Math.min(own ?? Number.POSITIVE_INFINITY, all ?? Number.POSITIVE_INFINITY)
	if (rate === Number.POSITIVE_INFINITY) return Math.min(most, left, SLICE_BYTES_MAX)
	const slice = Math.min(most, left, SLICE_BYTES_MAX, Math.max(SLICE_BYTES_MIN, Math.ceil(rate / SLICES_PER_SECOND)))
	await pass(slice, [{ throttle: site.throttle, rate: own }, { throttle: stateOf(api).throttle, rate: all }], signal)
	return slice
}
