/** What the owner set: at the top of the file, in cairn-backup.ini beside it, or in the environment; a later one wins. */
import fs from 'node:fs'
import { EXIT, Ending } from '../exit-codes.ts'
import { parseIni } from './ini.ts'
import { parseSize } from './sizes.ts'

/** The first lines of the file that volunteers get. */
declare const SETTINGS: Partial<Record<Key, string>>

const KEYS = ['server', 'site', 'key', 'folder', 'reserve', 'plain_http', 'direct'] as const
export type Key = (typeof KEYS)[number]

const RESERVE_DEFAULT = '1G'
const SITE = /^[a-z0-9][a-z0-9-]{0,62}$/
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

export interface Settings {
	server: URL
	site: string
	key: string
	folder: string
	/** Of the disk, to be left free. */
	reserveBytes: number
	/** Files may be fetched from another place that the server names. */
	direct: boolean
	/** What the owner should know about them. */
	warnings: string[]
}

export function readSettings(script: string, environment: NodeJS.ProcessEnv): Settings {
	const ini = script.replace(/\.m?js$/, '') + '.ini'
	const values = new Map<Key, string>()
	const sources: [string, Partial<Record<string, string>>][] = [
		[script, SETTINGS],
		[ini, readIni(ini)],
		['', fromEnvironment(environment)],
	]
	let keyFile = ''
	for (const [file, given] of sources) {
		for (const key of KEYS) {
			const value = given[key]
			if (value === undefined || value === '') continue
			values.set(key, value)
			if (key === 'key') keyFile = file
		}
	}
	return checked(values, keyFile)
}

function checked(values: Map<Key, string>, keyFile: string): Settings {
	const need = (key: Key) => {
		const value = values.get(key)
		if (value === undefined) throw wrong(key, 'is missing')
		return value
	}
	const site = need('site')
	if (!SITE.test(site)) throw wrong('site', `'${site}' is no name of a site`)
	return {
		server: checkedServer(need('server'), isYes(values, 'plain_http')),
		site,
		key: need('key'),
		folder: need('folder'),
		reserveBytes: parseSize(values.get('reserve') ?? RESERVE_DEFAULT) ?? fails('reserve', 'is no size, as in 500M or 20G'),
		direct: isYes(values, 'direct'),
		warnings: keyFile !== '' && isOpenToOthers(keyFile) ? [`${keyFile} has the key in it and others can read it: chmod 600 it`] : [],
	}
}

function checkedServer(value: string, plainHttp: boolean): URL {
	const url = URL.canParse(value) ? new URL(value) : fails('server', `'${value}' is no address, as in https://archive.example.org`)
	const { protocol, hostname, pathname, search, username } = url
	if (protocol !== 'https:' && protocol !== 'http:') throw wrong('server', 'has to begin with https://')
	if (protocol === 'http:' && !plainHttp && !LOOPBACK.test(hostname)) {
		throw wrong('server', 'has to begin with https:// (plain_http = yes if the way there is safe, a VPN say)')
	}
	if (pathname !== '/' || search !== '' || username !== '') throw wrong('server', 'is to be the address alone, without a path or a name')
	return url
}

function isYes(values: Map<Key, string>, key: Key): boolean {
	const value = values.get(key) ?? 'no'
	if (value !== 'yes' && value !== 'no') throw wrong(key, `'${value}' is neither yes nor no`)
	return value === 'yes'
}

function readIni(path: string): Partial<Record<string, string>> {
	let text: string
	try {
		text = fs.readFileSync(path, 'utf8')
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
		throw new Ending(EXIT.settings, `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
	}
	const { values, problem } = parseIni(text)
	const unknown = Object.keys(values).find((key) => !KEYS.includes(key as Key))
	if (problem !== undefined) throw new Ending(EXIT.settings, `${path}: ${problem}`)
	if (unknown !== undefined) throw new Ending(EXIT.settings, `${path}: there is no setting '${unknown}'; those there are: ${KEYS.join(', ')}`)
	return values
}

function fromEnvironment(environment: NodeJS.ProcessEnv): Partial<Record<Key, string>> {
	return Object.fromEntries(KEYS.map((key) => [key, environment[`CAIRN_BACKUP_${key.toUpperCase()}`]]))
}

function isOpenToOthers(path: string): boolean {
	return process.platform !== 'win32' && (fs.statSync(path).mode & 0o044) !== 0
}

function wrong(key: Key, what: string): Ending {
	return new Ending(EXIT.settings, `setting ${key}: ${what}`)
}

function fails(key: Key, what: string): never {
	throw wrong(key, what)
}
