/** Bytes on their way to a site, as fast as it may have them. */
import type { ServerResponse } from 'node:http'
import { rateNow } from '../../core/off-site/rates.ts'
import { pass } from '../../core/off-site/throttle.ts'
import type { Api } from '../api.ts'
import { bytesLeft, refusePaused } from './admit.ts'
import type { Site } from './known-sites.ts'
import { stateOf } from './state.ts'

/** Of what passes a throttle at once: a part of a second's worth. */
const SLICES_PER_SECOND = 20
const SLICE_BYTES_MIN = 1_024
const SLICE_BYTES_MAX = 1_048_576

/** Resolves when the bytes may be overwritten. */
export type Send = (bytes: Buffer) => Promise<void>

/** What cannot go on is cut: the agent has fewer bytes than it was told, and asks for the rest. */
export async function pour(api: Api, site: Site, { raw, what }: { raw: ServerResponse; what: string }, work: (send: Send) => Promise<void>): Promise<void> {
	const { spending } = stateOf(api)
	const { key } = site
	const send: Send = async (bytes) => {
		for (let at = 0; at < bytes.length; ) {
			refuseStopped(api, site, key)
			const slice = bytes.subarray(at, at + sliceBytes(api, site, bytes.length - at))
			// Before anything is waited for: others send at the same time.
			spending.add(site.row.id, slice.length)
			await pace(api, site, slice.length)
			at += slice.length
			await written(raw, slice)
		}
	}
	try {
		await work(send)
		raw.end()
	} catch (error) {
		if (!raw.destroyed) api.report(`site ${site.row.name}: ${what} was cut: ${(error as Error).message}`)
		raw.destroy()
	}
}

/** What the keeper did since it began. */
function refuseStopped(api: Api, site: Site, key: string): void {
	if (stateOf(api).sites.known(site.row.name) !== site || site.key !== key) throw new Error('the site was removed, or has another key')
	refusePaused(site)
}

function written(raw: ServerResponse, bytes: Buffer): Promise<void> {
	return new Promise((resolve, reject) => {
		const gone = () => reject(new Error('whoever took it is gone'))
		if (raw.destroyed) return gone()
		raw.once('close', gone)
		raw.write(bytes, (error) => {
			raw.off('close', gone)
			error ? gone() : resolve()
		})
	})
}

/** How many bytes go at once. Throws when none may go any more. */
function sliceBytes(api: Api, site: Site, most: number): number {
	const [own, all] = ratesOf(api, site)
	if (own === 0 || all === 0) throw new Error('the hour is closed')
	const left = bytesLeft(api, site) ?? Number.POSITIVE_INFINITY
	if (left === 0) throw new Error("the day's bytes are used up")
	const rate = Math.min(own ?? Number.POSITIVE_INFINITY, all ?? Number.POSITIVE_INFINITY)
	return Math.min(most, left, SLICE_BYTES_MAX, Math.max(SLICE_BYTES_MIN, Math.ceil(rate / SLICES_PER_SECOND)))
}

/** Waits until they may go. */
async function pace(api: Api, site: Site, bytes: number): Promise<void> {
	api.stopping.throwIfAborted()
	if (site.limits.rates.length === 0 && api.config.backup.rates.length === 0) return
	const [own, all] = ratesOf(api, site)
	await pass(bytes, [{ throttle: site.throttle, rate: own }, { throttle: stateOf(api).throttle, rate: all }], api.stopping)
}

/** Of the site and of all sites: what of it falls to this process. Undefined: no limit. */
function ratesOf(api: Api, site: Site): [own: number | undefined, all: number | undefined] {
	const { shares } = stateOf(api)
	const part = (rate: number | undefined, processes: number) => (rate === undefined ? undefined : rate / processes)
	return [
		part(rateNow(site.limits.rates), shares.processes(site.row.id)),
		part(rateNow(api.config.backup.rates), shares.allProcesses()),
	]
}
