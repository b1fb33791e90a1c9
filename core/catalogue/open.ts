/** From what the configuration says to an open catalogue. What goes wrong here is the user's to mend: one line, exit code 5. */
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs'
import type { Config } from '../config/types.ts'
import { codeOf, UserError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { Driver } from './driver.ts'
import type { MysqlOptions } from './mysql.ts'
import type { SqliteOptions } from './sqlite.ts'

const CLOSED = 'permission denied: it is for its owner, and for root'

export type CatalogueConfig = Pick<
	Config,
	'catalogue' | 'cataloguePassword' | 'cataloguePasswordFile' | 'catalogueTimeoutMs' | 'catalogueConnections'
>

export interface OpenOptions {
	/** Make an SQLite file that is not there yet. */
	create?: boolean
	/** Of an embedded one. */
	cacheKibMax?: number
	/** Of an embedded one: changes may be answered before they are committed, though not lost (held.ts). */
	holds?: boolean
	/** For a verb that asks and ends: what makes many questions quicker takes long to load or to make. */
	isBrief?: boolean
}

/** Each engine's library is a good part of what a verb loads: only the one in use is. */
export async function openCatalogue(config: CatalogueConfig, { create = false, cacheKibMax, holds, isBrief = false }: OpenOptions = {}): Promise<Driver> {
	const address = config.catalogue
	if (/^(mysql|mariadb):/.test(address)) return openServer(config, isBrief)
	if (/^[a-z]+:\/\//.test(address)) throw misread(withoutSecret(address), 'neither mysql:// nor sqlite:')
	return openFile(address.replace(/^sqlite:/, ''), { timeoutMs: config.catalogueTimeoutMs, create, cacheKibMax, holds, isBrief })
}

async function openFile(path: string, { create, isBrief, ...options }: SqliteOptions & { create: boolean; isBrief: boolean }): Promise<Driver> {
	if (!path) throw misread('sqlite:', 'no path is given')
	if (!existsSync(path) && isClosed(path)) throw unreachable(path, CLOSED)
	if (!existsSync(path) && !create) throw unreachable(path, 'no such file (cairn init makes a new one; one that was lost: cairn load, cairn reindex)')
	const { openSqlite } = await import('./sqlite.ts')
	try {
		if (!existsSync(path)) createPrivately(path)
		return openSqlite(path, { ...options, watch: isBrief ? undefined : (await import('./wal-index.ts')).watchFiles })
	} catch (error) {
		throw unreachable(path, isClosed(path) ? CLOSED : (error as Error).message)
	}
}

function isClosed(path: string): boolean {
	try {
		accessSync(path, constants.R_OK | constants.W_OK)
		return false
	} catch (error) {
		return codeOf(error) === 'EACCES'
	}
}

/** Names and owners of all files are in it: nobody else's to read. SQLite gives its log and index the same mode. */
function createPrivately(path: string): void {
	closeSync(openSync(path, 'a', 0o600))
}

async function openServer(config: CatalogueConfig, isBrief: boolean): Promise<Driver> {
	const options = serverOptions(config, isBrief)
	const { openMysql } = await import('./mysql.ts')
	try {
		return await openMysql(options)
	} catch (error) {
		throw unreachable(withoutSecret(config.catalogue), reason(error))
	}
}

function serverOptions(config: CatalogueConfig, isBrief: boolean): MysqlOptions {
	const url = parsed(config.catalogue)
	const database = decodeURIComponent(url.pathname.slice(1))
	if (!database) throw misread(withoutSecret(config.catalogue), 'no database is named: mysql://user@host/DATABASE')
	for (const name of url.searchParams.keys()) if (name !== 'socketPath') throw misread(withoutSecret(config.catalogue), `?${name}=: no such option; there is ?socketPath=`)
	return {
		server: {
			host: url.hostname.replace(/^\[|\]$/g, '') || 'localhost',
			port: url.port ? Number(url.port) : 3306,
			user: decodeURIComponent(url.username),
			database,
			socketPath: url.searchParams.get('socketPath') ?? undefined,
			// Code made for each kind of row is of use where many are read.
			disableEval: isBrief,
		},
		password: () => decodeURIComponent(url.password) || passwordOf(config),
		timeoutMs: config.catalogueTimeoutMs,
		connections: config.catalogueConnections,
	}
}

function parsed(address: string): URL {
	try {
		const url = new URL(address)
		for (const part of [url.username, url.password, url.pathname]) decodeURIComponent(part)
		return url
	} catch {
		throw misread(withoutSecret(address), "not a URL: mysql://user@host:port/database, in which '%' is written %25")
	}
}

function passwordOf(config: CatalogueConfig): string {
	if (config.cataloguePassword) return config.cataloguePassword
	if (!config.cataloguePasswordFile) return process.env.CAIRN_CATALOGUE_PASSWORD ?? ''
	try {
		return readFileSync(config.cataloguePasswordFile, 'utf8').trimEnd()
	} catch (error) {
		throw Object.assign(error as Error, { message: `password file: ${(error as Error).message}` })
	}
}

/** The last @ ends the password, also in an address too broken to parse. */
function withoutSecret(address: string): string {
	return address.replace(/^([a-z]+:\/\/[^:@/]*):.*@/, '$1@')
}

/** Several addresses tried in vain make an AggregateError, which has no message of its own. */
function reason(error: unknown): string {
	const { message, code, errors } = error as AggregateError & { code?: string }
	return message || errors?.[0]?.message || code || 'no reason given'
}

function unreachable(what: string, why: string): UserError {
	return new UserError(`catalogue ${what}: ${why}`.replaceAll('\n', ' '), EXIT.unreachable)
}

/** Whatever runs where: it is no address. */
function misread(what: string, why: string): UserError {
	return new UserError(`catalogue ${what}: ${why}`.replaceAll('\n', ' '), EXIT.configuration)
}
