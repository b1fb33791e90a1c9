/** `cairn api`: serves the tree over HTTP until it is told to end. */
import { startApi } from '../api/start.ts'
import { buildAgent } from '../backup/build.ts'
import { address } from '../core/config/checks.ts'
import type { Config } from '../core/config/types.ts'
import { isWorker, leave, startWorkers, tellServing, type Workers } from './api-workers.ts'
import { loadFor } from './catalogue.ts'
import { checked } from './checked.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	listen: string[]
}

export const api: Verb<Options> = (deps) => ({
	command: 'api',
	describe: 'serve the tree over HTTP, until told to end',
	builder: (yargs) =>
		yargs.option('listen', {
			type: 'string', array: true, nargs: 1, default: [],
			describe: 'host:port or unix:/path, in place of api.listen; may be said again',
		}),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const reread = async () => {
		const config = await loadFor(options, deps)
		return options.listen.length === 0 ? config : { ...config, api: { ...config.api, listen: options.listen.map((at) => ({ at: checked('--listen', at, address) })) } }
	}
	try {
		const config = await reread()
		const door = config.api.workers > 1 && !isWorker() ? await startWorkers(config.api, deps) : await startApi(config, deps.warn, { buildAgent })
		await serve(door, { config, reread }, deps)
	} finally {
		leave()
	}
}

type Door = Pick<Workers, 'addresses' | 'reload' | 'stop'>

async function serve(door: Door, { config, reread }: { config: Config; reread: () => Promise<Config> }, deps: Deps): Promise<void> {
	const ended = Promise.withResolvers<void>()
	const end = () => ended.resolve()
	const reload = () =>
		void reread()
			.then((read) => Object.assign(config, read))
			.then(door.reload)
			.catch((error: Error) => deps.warn(`the configuration was not read again: ${error.message}`))
	process.on('SIGTERM', end).on('SIGINT', end).on('disconnect', end).on('SIGHUP', reload)
	if (isWorker()) tellServing(door.addresses)
	else for (const address of door.addresses) deps.print(`ready: ${address}`)
	await ended.promise
	await door.stop()
	process.off('SIGTERM', end).off('SIGINT', end).off('disconnect', end).off('SIGHUP', reload)
}
