/** `cairn up [DIR]`: a whole Cairn in one directory, made if it is not there, mounted until Ctrl-C. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { checkOurs, loadConfig } from '../core/config/load.ts'
import type { Config } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import { makeWithParents } from '../core/make-directory.ts'
import { EXIT } from './exit-codes.ts'
import { prepareMountPoint } from './mount-point.ts'
import { mountAt } from './mountinfo.ts'
import { lockHolder, takeLock } from './run-lock.ts'
import { type Serving, serve } from './serve.ts'
import { isPrepared, makeDirectory, type Prepared, prepareDirectory, tokenShown } from './up-directory.ts'
import { startBeside } from './up-beside.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	dir?: string
	catalogue?: string
	nodes?: number
	copies?: number
	driver?: 'fuse' | 'fuse-native'
	io?: 'auto' | 'passthrough' | 'carried'
	replicator: boolean
	api: boolean
}

const HOME = resolve(import.meta.dirname, '..')
const NODES = 3
const NODES_MAX = 100
/** Of a directory with one node only there can be no more than one. */
const COPIES = 2

export const up: Verb<Options> = (deps) => ({
	command: 'up [dir]',
	describe: 'make and mount a whole Cairn in one directory',
	builder: (yargs) =>
		yargs
			.positional('dir', { type: 'string', describe: 'made if it is not there, carried on with if it is; cairn-data where none is named' })
			.option('catalogue', { type: 'string', requiresArg: true, describe: 'of a new directory: mysql://user@host/database instead of a file' })
			.option('nodes', { type: 'number', requiresArg: true, describe: `how many nodes there are to be at least (of a new directory: ${NODES})` })
			.option('copies', { type: 'number', requiresArg: true, describe: `of a new directory: copies of each file (${COPIES})` })
			.option('replicator', { type: 'boolean', default: true, describe: 'make the copies; --no-replicator leaves that to another process' })
			.option('api', { type: 'boolean', default: true, describe: 'serve it over HTTP on this machine too; --no-api does not' })
			.option('driver', { choices: ['fuse', 'fuse-native'] as const, requiresArg: true, describe: 'who speaks with the kernel' })
			.option('io', { choices: ['auto', 'passthrough', 'carried'] as const, requiresArg: true, describe: 'who moves the data' }),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const nodes = checkCount('--nodes', options.nodes ?? NODES, NODES_MAX)
	const copies = checkCount('--copies', options.copies ?? Math.min(COPIES, nodes), NODES_MAX)
	if (options.config !== undefined) throw new UserError('up: --config: up has its configuration in its directory (cairn up DIR); another is mounted by cairn mount --config', EXIT.usage)
	const dir = options.dir ?? ourOwn('cairn-data', deps)
	const isNew = !isPrepared(dir, deps)
	if (isNew && copies > nodes) throw new UserError(`--copies: found ${copies}, allowed: at most as many as there are nodes (--nodes ${nodes})`, EXIT.usage)
	const directory = makeDirectory(dir, deps)
	const lockPath = join(directory, '.up.lock')
	const lock = takeLock(lockPath)
	if (!lock) throw new UserError(`cairn up runs on ${directory} already (process ${lockHolder(lockPath)})`, EXIT.running)
	warnWithoutHelper(deps)
	const plan = { catalogue: options.catalogue ?? '', nodes, nodesAsked: options.nodes, copies, allowOther: deps.uid === 0 }
	const prepared = await prepareDirectory(directory, plan, deps)
	if (!isNew) warnOfUnused(options, prepared, deps)
	await readyMountPoint(prepared.mountPoint, deps)
	const reread = () => loadConfig({ path: prepared.file, environment: deps.environment })
	const ready = () => tellNext(directory, prepared, { ...deps, replicates: options.replicator })
	// The mount is there about a second before the door is: nobody is told of an address at which nobody answers yet.
	const listens = (address: string) => deps.print(`ready: ${address} ${servedAt(address, prepared.config)}`)
	const beside = (['replicator', 'api'] as const).filter((verb) => options[verb]).map((verb) => () => startBeside(verb, prepared.file, { warn: deps.warn, listens }))
	await serve({ config: prepared.config, options: toServing(options, prepared), reread, ready, beside }, deps)
	lock.release()
}

/** It has a program in it, and just happens to stand here. */
function ourOwn(name: string, { directory, environment }: Deps): string {
	const path = resolve(directory, name)
	if (existsSync(path)) checkOurs(path, environment, `; cairn up ${name} if it is meant`)
	return name
}

function toServing({ driver, io }: Options, { config, mountPoint }: Prepared): Serving {
	return {
		mountPoint,
		readOnly: false,
		allowOther: config.mount.allowOther,
		driver: driver ?? config.mount.driver,
		io: io ?? config.mount.io,
		fsname: 'cairn',
		kernelOptions: [],
	}
}

/** Not where something is mounted: even making what is there already asks it, and it may be dead. */
async function readyMountPoint(path: string, { environment }: Deps): Promise<void> {
	if (!mountAt(path)) makeWithParents(path)
	await prepareMountPoint(path, environment)
}

function tellNext(directory: string, { mountPoint, file, carriesOn, config, token }: Prepared, deps: Deps & { replicates: boolean }): void {
	const short = (path: string) => {
		const way = relative(deps.directory, path)
		if (way.startsWith('..')) return path
		return way.startsWith('-') ? `./${way}` : way || '.'
	}
	const typed = (path: string) => inShell(short(path))
	const copies = Math.max(...config.classes.map((rule) => rule.copies))
	deps.print(`${carriesOn ? 'carrying on with' : 'made'} ${short(directory)}: one tree over the nodes in it. Try, in another terminal:`)
	deps.print(`  cp -r something ${typed(mountPoint)}/ ; ls -R ${typed(directory)}/node*/`)
	if (copies > 1 && deps.replicates) deps.print(`  each file is on one node at once and on ${copies} a moment later; look again, or ask:`)
	deps.print(`  ${deps.directory === HOME ? './cairn' : inShell(join(HOME, 'cairn'))} status --config ${typed(file)}`)
	if (token !== undefined) deps.print(`  a token that may do everything, shown this once: ${token}`)
	tokenShown(directory)
	deps.print(`${short(file)} says how; Ctrl-C unmounts.`)
	deps.print(`ready: ${mountPoint}`)
}

function servedAt(address: string, { api: { listen } }: Config): string {
	const { parts, anybody = '' } = listen.find(({ at }) => address.endsWith(at)) ?? {}
	const what = parts === undefined ? 'has the same over HTTP' : `has ${parts.join(', ') || 'nothing'}`
	return anybody === '' ? `${what}, for whoever has a token` : `${what}: anybody who reaches it may ${anybody}`
}

/** As a shell takes it for one word. */
function inShell(path: string): string {
	return /^[\w./,:@%+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

/** The configuration holds, which its user may have changed since. */
function warnOfUnused({ copies, catalogue }: Options, { config, file }: Prepared, { warn }: Deps): void {
	const say = (option: string) => warn(`${option} is for a new directory: ${file} says how it is here`)
	if (copies !== undefined && config.classes.every((rule) => rule.copies !== copies)) say('--copies')
	if (catalogue?.includes('://') && config.catalogue !== catalogue) say('--catalogue')
}

function warnWithoutHelper({ uid, warn }: Deps): void {
	if (uid === 0 || !spawnSync('fusermount3', ['--version'], { stdio: 'ignore' }).error) return
	warn('WARNING: fusermount3 is missing, and only root can mount without it: apt-get install fuse3')
}

function checkCount(option: string, found: number, most: number): number {
	if (Number.isInteger(found) && found >= 1 && found <= most) return found
	throw new UserError(`${option}: a whole number from 1 to ${most}`, EXIT.usage)
}
