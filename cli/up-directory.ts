/** What `cairn up` needs in its directory. What is there already stays as it is. */
import { existsSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { enterToken, newText } from '../core/access/token.ts'
import * as nodes from '../core/catalogue/nodes.ts'
import { openCatalogue } from '../core/catalogue/open.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import { loadConfig } from '../core/config/load.ts'
import type { Config } from '../core/config/types.ts'
import { codeOf, UserError } from '../core/errors.ts'
import { makeWithParents } from '../core/make-directory.ts'
import { readIdentity } from '../core/nodes/identity.ts'
import { run as drive } from '../core/op.ts'
import { prepareCatalogue } from './init.ts'
import { mountAbove } from './mountinfo.ts'
import { nodeAbove } from './node-above.ts'
import { addNode } from './node-add.ts'
import { EXIT } from './exit-codes.ts'
import { configText, type Plan } from './up-config.ts'
import type { Deps } from './verb.ts'

const PRIVATE_DIRECTORY = 0o700
const PRIVATE_FILE = 0o600
/** What `up` makes in its directory, as far as that is not written otherwise in the configuration. */
const OF_UP = /^(combined|node\d+|catalogue\.db.*)$/

export interface Prepared {
	config: Config
	file: string
	mountPoint: string
	/** True when the directory was prepared earlier. */
	carriesOn: boolean
	/** Lets its maker in over HTTP, and was not shown yet. */
	token: string | undefined
}

export function makeDirectory(text: string, { directory }: Pick<Deps, 'directory'>): string {
	if (text === '') throw new UserError('the path is empty; the directory you are in is .', EXIT.usage)
	const path = resolve(directory, text)
	refuseInCairn(path)
	try {
		makeWithParents(path)
		return realpathSync(path)
	} catch (error) {
		throw new UserError(`${path} cannot be made (${codeOf(error)})`, EXIT.noMountPoint)
	}
}

/** What lies in a node is a copy of something in its tree, and what lies in a mount goes away with it, below a catalogue and nodes in use. */
function refuseInCairn(path: string): void {
	const whole = existsSync(path) ? realpathSync(path) : path
	const mount = mountAbove(whole)
	if (mount?.type === 'fuse.cairn') throw new UserError(`${path} lies in the tree that is mounted at ${mount.mountPoint}: name a directory outside`, EXIT.refused)
	const above = nodeAbove(whole)
	if (above !== undefined) throw new UserError(`${path} lies in a node of a Cairn, ${above}: name a directory outside`, EXIT.refused)
}

export async function prepareDirectory(directory: string, plan: Omit<Plan, 'listen'>, deps: Deps): Promise<Prepared> {
	const file = configOf(directory)
	const carriesOn = existsSync(file)
	if (!carriesOn) {
		writeFileSync(join(directory, TOKEN_OWED), '', { mode: PRIVATE_FILE })
		writeWhole(file, configText({ ...plan, listen: await freeAddress() }))
	}
	const config = await loadConfig({ path: file, environment: deps.environment })
	await prepareCatalogue(config, deps, { wasMade: wasUp(directory) })
	await addMissingNodes(directory, plan, config)
	const token = await owedToken(directory, config)
	return { config, file, mountPoint: config.mount.path || join(directory, 'combined'), carriesOn, token }
}

/** Somebody may have written its configuration and nothing else: then there was no tree yet. */
function wasUp(directory: string): boolean {
	return !existsSync(join(directory, TOKEN_OWED)) && readdirSync(directory).some((name) => OF_UP.test(name))
}

/** Whether it was made before: its configuration is there. */
export function isPrepared(text: string, { directory }: Pick<Deps, 'directory'>): boolean {
	return existsSync(configOf(resolve(directory, text)))
}

const configOf = (directory: string) => join(directory, 'config.ts')

/** Half of a configuration would be carried on with. */
function writeWhole(file: string, text: string): void {
	const beside = `${file}.new`
	writeFileSync(beside, text, { mode: PRIVATE_FILE })
	renameSync(beside, file)
}

const TOKEN_NAME = 'up'
/** There until the token of a new directory was shown: what `up` does before that may fail, and is tried again. */
const TOKEN_OWED = '.up.token'

async function owedToken(directory: string, config: Config): Promise<string | undefined> {
	const file = join(directory, TOKEN_OWED)
	if (!existsSync(file)) return undefined
	const text = readFileSync(file, 'utf8') || newText()
	// Before the catalogue has it: what that has alone nobody can be told any more.
	writeFileSync(file, text)
	return (await isEntered(config, text)) ? text : undefined
}

export function tokenShown(directory: string): void {
	rmSync(join(directory, TOKEN_OWED), { force: true })
}

/** Not where the catalogue has one from another directory. */
async function isEntered(config: Config, text: string): Promise<boolean> {
	const driver = await openCatalogue(config)
	try {
		await drive(enterToken(driver, text, { name: TOKEN_NAME, role: 'admin', scope: undefined, perMinute: 0, lastsSeconds: 0 }))
		return true
	} catch (error) {
		if (codeOf(error) !== 'EEXIST') throw error
		return false
	} finally {
		await driver.close()
	}
}

const HOST = '127.0.0.1'
const PORT_FIRST = 7_780
const PORTS_TRIED_MAX = 100

/** The port others expect, or the next one that is free. */
async function freeAddress(): Promise<string> {
	for (let port = PORT_FIRST; port < PORT_FIRST + PORTS_TRIED_MAX; port++) if (await isFree(port)) return `${HOST}:${port}`
	return `${HOST}:${PORT_FIRST}`
}

function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer()
		server.on('error', () => resolve(false))
		server.listen(port, HOST, () => server.close(() => resolve(true)))
	})
}

/** Only of a tree that has none: a node whose directory is empty today may be an unmounted disk. */
async function addMissingNodes(directory: string, { nodes: ofNew, nodesAsked = 0 }: Pick<Plan, 'nodes' | 'nodesAsked'>, config: Config): Promise<void> {
	const driver = await openCatalogue(config)
	try {
		const known = await nodes.list(driver)
		const names = new Set(known.map((node) => node.name))
		if (known.some((node) => !isNumbered(node.name))) return
		const isMade = known.length > 0 && !existsSync(join(directory, TOKEN_OWED))
		const many = isMade ? nodesAsked : ofNew
		// One that was removed from the catalogue still says which node it was.
		const isFree = (name: string) => !names.has(name) && !(isMade && readIdentity(join(directory, name)))
		for (let number = 1; names.size < many; number++) {
			if (!isFree(nameOf(number))) continue
			await addNumbered(directory, number, driver)
			names.add(nameOf(number))
		}
	} finally {
		await driver.close()
	}
}

const nameOf = (number: number) => `node${number}`
const isNumbered = (name: string) => /^node\d+$/.test(name)

async function addNumbered(directory: string, number: number, driver: Driver): Promise<void> {
	const path = join(directory, nameOf(number))
	makeWithParents(path, PRIVATE_DIRECTORY)
	await addNode(driver, nameOf(number), { path, zone: '', reserve: -1, weight: 100, io: 'auto', state: 'rw' })
}
