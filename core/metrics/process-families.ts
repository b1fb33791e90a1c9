/** What every process can say of itself. The names are those that client libraries of Prometheus use. */
import type { Filesystem } from '../filesystem/filesystem.ts'
import { type Family, gaugeFamily } from './family.ts'
import { nodeFamilies } from './node-families.ts'
import { families } from './registry.ts'

/** All that a process with a filesystem has. */
export function familiesOf(fs: Pick<Filesystem, 'nodes'>): Family[] {
	return [...families(), ...nodeFamilies(fs), ...processFamilies()]
}

function processFamilies(): Family[] {
	const { user, system } = process.cpuUsage()
	const alone = (value: number): Array<[Record<string, string>, number]> => [[{}, value]]
	return [
		{ ...gaugeFamily('process_cpu_seconds_total', 'Processor time.', alone((user + system) / 1e6)), type: 'counter' },
		gaugeFamily('process_resident_memory_bytes', 'Memory in use.', alone(process.memoryUsage.rss())),
		gaugeFamily('process_start_time_seconds', 'When it was started, Unix time.', alone(Math.round(Date.now() / 1000 - process.uptime()))),
	]
}
