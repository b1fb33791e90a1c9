/** `cairn mount MP`. */
import { findConfig, loadConfig } from '../core/config/load.ts'
import type { Config } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import { daemonise } from './daemon.ts'
import { EXIT } from './exit-codes.ts'
import { type MountWords, parseMountOptions } from './mount-options.ts'
import { canonicalMountPoint, prepareMountPoint } from './mount-point.ts'
import { endWithParent, isDaemon, reportToParent } from './parent.ts'
import { type Serve, type Serving, serve } from './serve.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	mountpoint?: string
	o: string[]
	foreground: boolean
	driver?: 'fuse' | 'fuse-native'
	io?: 'auto' | 'passthrough' | 'carried'
}

export const mount: Verb<Options> = (deps) => ({
	command: 'mount [mountpoint]',
	describe: 'mount the tree',
	builder: (yargs) =>
		yargs
			.positional('mountpoint', { type: 'string', describe: 'an empty directory; by default what the configuration says' })
			.option('o', { type: 'string', array: true, nargs: 1, default: [], describe: 'ro,allow_other,noatime,trash[=DAYS],notrash,config=PATH,driver=,io=,fsname=,...' })
			.option('foreground', { alias: 'f', type: 'boolean', default: false, describe: 'stay in the foreground' })
			.option('driver', { choices: ['fuse', 'fuse-native'] as const, requiresArg: true, describe: 'who speaks with the kernel' })
			.option('io', { choices: ['auto', 'passthrough', 'carried'] as const, requiresArg: true, describe: 'who moves the data' }),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const words = parseMountOptions(options.o)
	const file = findConfig({ path: onlyOne(options.config, words.config), environment: deps.environment, directory: deps.directory })
	const reread = async () => withTrash(await loadConfig({ path: file, environment: deps.environment }), words)
	const config = await reread()
	const serving = toServing(options, words, config, deps)
	await prepareMountPoint(serving.mountPoint, deps.environment, words)
	if (options.foreground) return stay({ config, options: serving, reread }, deps)
	await daemonise(toWords(serving, words, file), { logFile: config.mount.logFile })
}

/** fstab has it as the source, and by it mount(8) knows what is mounted. */
function onlyOne(named: string | undefined, word: string | undefined): string | undefined {
	if (named === undefined || word === undefined || named === word) return named ?? word
	throw new UserError(`mount: two configurations are named, ${named} and config=${word}: leave one out (in fstab it is the first column)`, EXIT.usage)
}

/** What the mount was told goes before the configuration, also when that is read again. */
function withTrash(config: Config, { trashDays }: MountWords): Config {
	return trashDays === undefined ? config : { ...config, mount: { ...config.mount, trashDays } }
}

function toServing(options: Options, words: MountWords, config: Config, deps: Deps): Serving {
	const path = options.mountpoint ?? config.mount.path
	if (path === '') throw new UserError('mount: where? Name a mount point, or set mount.path in the configuration', EXIT.usage)
	return {
		mountPoint: canonicalMountPoint(path, deps.directory),
		readOnly: words.readOnly,
		allowOther: words.allowOther ?? config.mount.allowOther,
		driver: options.driver ?? words.driver ?? config.mount.driver,
		io: options.io ?? words.io ?? config.mount.io,
		fsname: words.fsname ?? 'cairn',
		kernelOptions: words.kernelOptions,
	}
}

/** The same mount again as words of a command line, with nothing left to depend on where it is typed. */
function toWords(serving: Serving, { trashDays, nonempty }: MountWords, file: string): string[] {
	const { mountPoint, readOnly, allowOther, driver, io, fsname, kernelOptions } = serving
	const trash = trashDays === undefined ? [] : [trashDays === 0 ? 'notrash' : `trash=${trashDays}`]
	const flags = [readOnly ? 'ro' : 'rw', ...(allowOther ? ['allow_other'] : []), ...(nonempty ? ['nonempty'] : [])]
	const list = [...flags, ...trash, `driver=${driver}`, `io=${io}`, `fsname=${fsname}`, ...kernelOptions]
	return ['mount', mountPoint, '--foreground', '--config', file, '-o', list.join(',')]
}

function stay(what: Omit<Serve, 'ready'>, deps: Deps): Promise<void> {
	const parentGoes = endWithParent()
	return serve({ ...what, ready: () => reportReady(parentGoes) }, deps)
}

function reportReady(parentGoes: () => void): void {
	parentGoes()
	if (isDaemon(process.env)) reportToParent({ ready: true })
}
