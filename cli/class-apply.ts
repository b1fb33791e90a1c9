/** `cairn class apply`: the catalogue says what the configuration says, and the files follow. */
import * as classes from '../core/catalogue/classes.ts'
import * as holdings from '../core/catalogue/holdings.ts'
import { type Filesystem, transact } from '../core/filesystem/filesystem.ts'
import { run as drive } from '../core/op.ts'
import { wholePass } from '../replicator/level/round.ts'
import { startRun } from '../replicator/run.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { showRun } from './progress.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	json: boolean
}

export const classApply: Verb<Options> = (deps) => ({
	command: 'apply',
	describe: 'make the catalogue say what the configuration says, and have copies made or removed',
	builder: (yargs) => yargs.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	await withFilesystem(options, deps, async (fs) => {
		const changed = await transact(fs, function* (tx) {
			const many = yield* classes.apply(tx, fs.config.classes)
			if (many > 0) classes.tell(tx, fs.capabilities)
			return many
		})
		if (!options.json) deps.print(changed === 0 ? 'nothing changed' : `${changed} class${changed === 1 ? '' : 'es'} changed`)
		await reclass(fs, options, deps)
	})
}

/** Also where no rule changed: a directory may have been moved under another. */
async function reclass(fs: Filesystem, { json }: Options, deps: Deps): Promise<void> {
	const stop = stopOnSignal()
	const files = await drive(holdings.countFiles(fs.catalogue))
	const view = showRun('class apply', { json, quiet: files === 0 && !json }, deps)
	const shown = startRun(stop.signal, view.watcher)
	shown.expect(files, 0)
	const { holder, stopped } = await wholePass(fs, shown)
	stop.end()
	if (holder !== undefined) view.elsewhere(holder)
	else view.end(shown.summary())
	if (stopped === 'end') return
	process.exitCode = EXIT.left
	const why = stopped === 'full' ? 'nodes have enough copies to make first' : 'stopped'
	deps.warn(`class apply: ${why}; replicators go on with it, and so does the same command`)
}
