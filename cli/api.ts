/** `cairn api`: serves the tree over HTTP until it is told to end. */
import { startApi } from '../api/start.ts'
import { buildAgent } from '../backup/build.ts'
import { loadFor } from './catalogue.ts'
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
		return options.listen.length === 0 ? config : { ...config, api: { ...config.api, listen: options.listen.map((at) => ({ at })) } }
	}
	const config = await reread()
	const door = await startApi(config, deps.warn, { buildAgent })
	const ended = Promise.withResolvers<void>()
	const end = () => ended.resolve()
	const reload = () =>
		void reread()
			.then((read) => Object.assign(config, read))
			.then(door.reload)
			.catch((error: Error) => deps.warn(`the configuration was not read again: ${error.message}`))
	process.on('SIGTERM', end).on('SIGINT', end).on('disconnect', end).on('SIGHUP', reload)
	for (const address of door.addresses) deps.print(`ready: ${address}`)
	await ended.promise
	await door.stop()
	process.off('SIGTERM', end).off('SIGINT', end).off('disconnect', end).off('SIGHUP', reload)
}
