/** A Cairn of its own for one measurement: started here, stopped here or at the end of the run. */
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { startUp } from '../systems/cairn.ts'
import type { Running } from '../systems/system.ts'
import type { Single } from './single.ts'

export interface Instance {
	/** As fillCatalogue takes it. */
	readonly catalogue: string
	readonly config: string
	/** Up, on what is there already after the first time; ended by its own stop() and at the end of the run. */
	start(): Promise<Running>
}

export async function instanceOf(bench: Bench, system: Single['system'], folder: string): Promise<Instance> {
	const isSqlite = system === 'cairn-sqlite'
	const catalogue = isSqlite ? join(folder, 'catalogue.db') : await (await bench.mariadb()).freshDatabase('bench_single')
	const options = isSqlite ? [] : ['--catalogue', catalogue]
	return {
		catalogue,
		config: join(folder, 'config.ts'),
		async start() {
			const running = await startUp(folder, options, '')
			return { ...running, stop: bench.atEnd(() => running.stop()) }
		},
	}
}
