/** The door as a running process: the filesystem, a server for each address, and the end of both. */
import { readFileSync } from 'node:fs'
import { createSecureContext, type Server as SecureServer } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { openCatalogue } from '../core/catalogue/open.ts'
import type { Config } from '../core/config/types.ts'
import { codeOf, UserError } from '../core/errors.ts'
import { EXIT } from '../core/exit-codes.ts'
import { createAnnouncer } from '../core/filesystem/announce.ts'
import { QUIET_DOOR } from '../core/filesystem/clients.ts'
import { refreshClasses, refreshNodes } from '../core/filesystem/nodes.ts'
import { beginFilesystem, keepAlive, stopFilesystem } from '../core/filesystem/start.ts'
import { explainFor } from '../core/live/explained.ts'
import { offer } from '../core/live/offer.ts'
import { measured } from '../core/metrics/measured-driver.ts'
import { familiesOf } from '../core/metrics/process-families.ts'
import { run } from '../core/op.ts'
import { createKnownTokens } from './access/known.ts'
import { createLimits } from './access/limits.ts'
import type { Api } from './api.ts'
import { createHotAnswers } from './hot/answers.ts'
import { connectionsMax, listen } from './listen.ts'
import { openRequestLog } from './log.ts'
import { removeLeftCopies } from './tree/copy-beside.ts'
import { type Certificate, createServer, type Route, type Server } from './server.ts'

/** How often it is looked for what doors that were killed were copying. */
const LEFT_COPIES_MS = 600_000

export interface Door {
	/** Where it listens. */
	readonly addresses: string[]
	/** Every route of the first address. */
	routes(): Route[]
	/** Takes over what the keeper changed; addresses and parts want a new start. */
	reload(): Promise<void>
	/** No new requests; those under way have `drainMs`. May be called again. */
	stop(): Promise<void>
}

/** What the door gets from other folders that it does not know. */
export type Supplies = Pick<Api, 'buildAgent'>

export async function startApi(config: Config, report: (line: string) => void, supplies: Supplies = {}): Promise<Door> {
	const catalogue = measured(await openCatalogue(config))
	const fs = await beginFilesystem({ config, catalogue, what: QUIET_DOOR, report })
	const quiet = keepAlive(fs)
	const silent = offer({ catalogue: config.catalogue, what: 'api', metrics: () => familiesOf(fs), explain: (path) => explainFor(fs, path), report })
	const announcer = createAnnouncer(fs)
	const stopping = new AbortController()
	const api: Api = { ...supplies, fs, tokens: createKnownTokens(fs), limits: createLimits(), answers: await createHotAnswers(fs), config, report, stopping: stopping.signal, changing: announcer.changing }
	const log = openRequestLog(config.api.requestLog, report)
	const servers: Server[] = []
	const sweeping = keepSweeping(api)

	let stopped: Promise<void> | undefined
	const stop = () => {
		stopped ??= end()
		return stopped
	}

	async function end(): Promise<void> {
		const drained = Promise.all(servers.map(({ app }) => app.close()))
		const late = new AbortController()
		const timer = sleep(config.api.drainMs, undefined, { signal: late.signal }).then(
			() => endNow(servers, stopping),
			() => undefined,
		)
		await drained
		late.abort()
		await timer
		stopping.abort()
		clearInterval(sweeping)
		await log.end()
		announcer.end()
		silent()
		quiet()
		await stopFilesystem(fs).finally(() => catalogue.close())
	}

	try {
		const addresses: string[] = []
		for (const at of config.api.listen) {
			const certificate = readCertificate(config)
			const server = await createServer(api, at, log, certificate)
			servers.push(server)
			server.app.server.maxConnections = connectionsMax(config.api.listen.length)
			addresses.push(await listen(server.app, at.at, { secure: certificate !== undefined, shared: config.api.workers > 1 }))
		}
		return { addresses, stop, routes: () => servers[0].routes, reload: () => reload(api, servers) }
	} catch (error) {
		await stop()
		throw error
	}
}

function keepSweeping(api: Api): NodeJS.Timeout {
	const sweep = () => void removeLeftCopies(api).catch((error: Error) => api.report(`copies that were left half: ${error.message}`))
	sweep()
	return setInterval(sweep, LEFT_COPIES_MS).unref()
}

/** Whoever is still being served has had his time. */
function endNow(servers: readonly Server[], stopping: AbortController): void {
	stopping.abort()
	for (const { app } of servers) app.server.closeAllConnections()
}

async function reload({ fs, config }: Api, servers: readonly Server[]): Promise<void> {
	await run(refreshNodes(fs))
	await run(refreshClasses(fs))
	const certificate = readCertificate(config)
	if (certificate) for (const { app } of servers) (app.server as unknown as SecureServer).setSecureContext(certificate)
}

function readCertificate({ api: { tlsCertFile, tlsKeyFile } }: Config): Certificate | undefined {
	if (tlsCertFile === '' && tlsKeyFile === '') return undefined
	const certificate = { cert: readPem('tlsCertFile', tlsCertFile), key: readPem('tlsKeyFile', tlsKeyFile) }
	try {
		createSecureContext(certificate)
		return certificate
	} catch (error) {
		throw new UserError(`api.tlsCertFile, api.tlsKeyFile: ${tlsCertFile} and ${tlsKeyFile} are no certificate with its key (${(error as Error).message})`, EXIT.configuration)
	}
}

function readPem(key: string, file: string): Buffer {
	if (file === '') throw new UserError(`api.${key}: is missing, and the other of tlsCertFile and tlsKeyFile is there`, EXIT.configuration)
	try {
		return readFileSync(file)
	} catch (error) {
		throw new UserError(`api.${key}: ${file} cannot be read (${codeOf(error)})`, EXIT.configuration)
	}
}
