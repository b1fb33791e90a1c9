/** Batches of work: taken, kept, given back; and what became of them. */
import type { FastifyInstance } from 'fastify'
import * as leases from '../../core/catalogue/backup-leases.ts'
import { adopt, type Adopted } from '../../core/off-site/adopt.ts'
import { endLease, type Leased, takeWork } from '../../core/off-site/lease.ts'
import { type Claim, type FailureKind, type Said, takeReport } from '../../core/off-site/report.ts'
import { type Mode, MODES } from '../../core/off-site/site-settings.ts'
import type { Api } from '../api.ts'
import { admit } from './admit.ts'
import { logLine, siteOf } from './credentials.ts'
import { badRequest, notFound, Refusal } from './failure.ts'
import { readPath, shownPath } from './places.ts'
import { leaseAnswer, leaseBody, leaseParams, nothing, renewAnswer, reportBody, resultsAnswer, schemaOf, walkBody } from './schemas.ts'

const NOTHING_TO_DO_SECONDS = 300
const LEASES_SECONDS = 60

interface LeaseBody {
	mode?: Mode
	files?: number
	bytes?: number
	holding?: string[]
}

interface ReportBody {
	files: Array<{ id: number; version: number; size?: number; hash?: string; error?: FailureKind; text?: string }>
}

interface WalkBody {
	files: Array<{ path64: string; size: number; hash?: string; id?: number; version?: number }>
}

const config = { access: 'site' } as const

export function work(app: FastifyInstance, api: Api): void {
	const { fs } = api

	app.post<{ Body: LeaseBody | undefined }>('/lease', { config, schema: schemaOf({ summary: 'a batch of files to fetch', body: leaseBody }, leaseAnswer) }, async (request) => {
		const site = siteOf(request)
		await admit(api, site)
		const { filesPerBatch, bytesPerBatch } = site.limits
		const { mode = (site.settings.modes ?? MODES)[0], files = filesPerBatch, bytes = bytesPerBatch, holding } = request.body ?? {}
		if (!(site.settings.modes ?? MODES).includes(mode)) throw badRequest(`mode: ${mode} is not for this site`)
		const lease = await takeWork(fs, site.row.id, { mode, files: Math.min(files, filesPerBatch), bytes: Math.min(bytes, bytesPerBatch), holding })
		if (!lease) throw new Refusal(429, 'slow-down', 'this site has as many batches as it may; report or give back one', { retryAfterS: LEASES_SECONDS })
		if (lease.files.length === 0) return { lease: null, untilAt: 0, retryAfterS: NOTHING_TO_DO_SECONDS, files: [] }
		logLine(api, site, { what: 'lease', detail: `${lease.files.length} files, ${lease.files.reduce((sum, { size }) => sum + size, 0)} bytes (${mode})` })
		return { lease: lease.id, untilAt: lease.untilAt, retryAfterS: 0, files: lease.files.map(shownWork) }
	})

	const renewing = schemaOf({ summary: 'more time for a batch', params: leaseParams, body: nothing }, renewAnswer)
	app.post<{ Params: { lease: string } }>('/lease/:lease/renew', { config, schema: renewing }, async (request) => {
		const { row } = siteOf(request)
		const untilAt = await leases.renew(fs.catalogue, { id: request.params.lease, site: row.id, seconds: api.config.backup.leaseSeconds })
		if (untilAt === undefined) throw notFound('this lease is over')
		return { untilAt }
	})

	const ending = schemaOf({ summary: 'gives back what was not reported', params: leaseParams }, nothing)
	app.delete<{ Params: { lease: string } }>('/lease/:lease', { config, schema: ending }, async (request) => {
		if (!(await endLease(fs, siteOf(request).row.id, request.params.lease))) throw notFound('this lease is over')
		return {}
	})

	app.post<{ Body: ReportBody }>('/report', { config, schema: schemaOf({ summary: 'what was fetched, what could not be', body: reportBody }, resultsAnswer) }, async (request) => {
		const site = siteOf(request)
		const { files } = request.body
		const outcomes = await takeReport(fs, site.row, files.map(toSaid))
		logLine(api, site, { what: 'report', detail: counted(outcomes) })
		return { results: outcomes.map((result, index) => ({ id: files[index].id, result })) }
	})

	app.post<{ Body: WalkBody }>('/walk', { config, schema: schemaOf({ summary: 'what the site has already', body: walkBody }, resultsAnswer) }, async (request) => {
		const site = siteOf(request)
		const seen = request.body.files.map(({ path64, size, hash, id, version }) => ({
			path: readPath(path64),
			size,
			hash: hash === undefined ? undefined : Buffer.from(hash, 'hex'),
			...(id === undefined || version === undefined ? {} : { moved: { id, version } }),
		}))
		const results: Adopted[] = await adopt(fs, site.row, seen)
		logLine(api, site, { what: 'walk', detail: counted(results.map(({ result }) => result)) })
		return { results }
	})
}

function shownWork({ id, version, path, size, hash, mode, mtime, mtime_ns }: Leased): object {
	return { id, version, ...shownPath(path), size, hash: hash === null ? null : Buffer.from(hash).toString('hex'), mode, mtimeS: mtime, mtimeNs: mtime_ns }
}

function toSaid({ id, version, size, hash, error, text = '' }: ReportBody['files'][number], index: number): Said {
	if (error !== undefined) return { id, version, error, text }
	if (size === undefined || hash === undefined) throw badRequest(`files/${index}: it has neither size and hash nor an error`)
	return { id, version, size, hash: Buffer.from(hash, 'hex') } satisfies Claim
}

/** '12 claimed, 1 failed'. */
function counted(words: readonly string[]): string {
	const counts = Object.entries(Object.groupBy(words, (word) => word)).map(([word, all]) => `${all?.length ?? 0} ${word}`)
	return counts.join(', ') || 'nothing'
}
