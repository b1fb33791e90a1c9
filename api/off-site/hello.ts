/** The first request of a run: settings, and what there is to do. */
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import * as notices from '../../core/catalogue/backup-notices.ts'
import * as orders from '../../core/catalogue/backup-orders.ts'
import * as siteTable from '../../core/catalogue/sites.ts'
import { rateAt } from '../../core/config/rates.ts'
import { endLeases, isAnythingWanted } from '../../core/off-site/lease.ts'
import { dueRows } from '../../core/off-site/proof.ts'
import { rateNow } from '../../core/off-site/rates.ts'
import { printable } from '../../core/off-site/report.ts'
import { MODES } from '../../core/off-site/site-settings.ts'
import type { Api } from '../api.ts'
import { bytesLeft, pausedSeconds } from './admit.ts'
import { logLine, siteOf } from './credentials.ts'
import type { Site } from './known-sites.ts'
import { helloAnswer, helloBody, ITEMS_MAX, schemaOf } from './schemas.ts'
import { stateOf } from './state.ts'

const HOURS = Array.from({ length: 24 }, (_, hour) => hour)
const VERSION = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version

interface Hello {
	starting: boolean
	version?: string
	platform?: string
	freeBytes?: number
}

export function hello(app: FastifyInstance, api: Api): void {
	const schema = schemaOf({ summary: 'what the site may do and what there is to do', body: helloBody }, helloAnswer)
	app.post<{ Body: Hello }>('/hello', { config: { access: 'site' }, schema }, async (request) => {
		const site = siteOf(request)
		const { starting, version = '', platform = '', freeBytes } = request.body
		const about = { version: printable(version), platform: printable(platform), freeBytes }
		await siteTable.setSeen(api.fs.catalogue, site.row.id, JSON.stringify(about))
		if (starting) await begin(api, site, `agent ${about.version || '?'} on ${about.platform || '?'}`)
		await stateOf(api).spending.refresh()
		const retryAfterS = pausedSeconds(site)
		return {
			site: site.row.name,
			serverAt: Math.floor(Date.now() / 1000),
			utcOffsetS: -new Date().getTimezoneOffset() * 60,
			serverVersion: VERSION,
			paused: retryAfterS > 0,
			retryAfterS,
			settings: settingsFor(api, site),
			pending: await pendingFor(api, site),
		}
	})
}

async function begin(api: Api, site: Site, detail: string): Promise<void> {
	await endLeases(api.fs, site.row.id)
	logLine(api, site, { what: 'hello', detail })
}

function settingsFor(api: Api, site: Site): object {
	const { settings, limits } = site
	const { rates: all, bytesPerDay } = api.config.backup
	const least = (...values: Array<number | undefined>) => {
		const known = values.filter((value) => value !== undefined)
		return known.length === 0 ? null : Math.min(...known)
	}
	return {
		modes: settings.modes ?? MODES,
		schedule: settings.schedule ?? null,
		bytesPerSecond: least(rateNow(limits.rates), rateNow(all)),
		bytesPerSecondByHour: HOURS.map((hour) => least(rateAt(limits.rates, hour), rateAt(all, hour))),
		bytesPerDay: least(...[limits.bytesPerDay, bytesPerDay].filter((bytes) => bytes > 0)),
		bytesLeftToday: bytesLeft(api, site) ?? null,
		filesPerBatch: limits.filesPerBatch,
		bytesPerBatch: limits.bytesPerBatch,
		parallel: limits.parallel,
		direct: settings.direct ?? null,
	}
}

async function pendingFor({ fs }: Api, { row, settings }: Site): Promise<object> {
	const { catalogue } = fs
	const [mode] = settings.modes ?? MODES
	return {
		work: await isAnythingWanted(fs, row.id, mode),
		challenges: (await dueRows(fs, row, ITEMS_MAX)).length,
		notices: (await notices.after(catalogue, row.id, 0, ITEMS_MAX)).length,
		orders: (await orders.ofSite(catalogue, row.id, 'asked', ITEMS_MAX)).length,
	}
}
