import type { Bench } from '../bench.ts'
import { fillCatalogue } from '../million.ts'
import { type Resident, residentMib, run } from '../processes.ts'
import type { Finding, Single } from './single.ts'
import { instanceOf } from './instance.ts'

const DIRECTORIES = 1000
const FILES = 1000
const RESIDENT_MIB_MAX = 200
const DEADLINE_MS = 300_000

export function memory(system: Single['system']): Single {
	return { id: 'memory', title: 'memory after find over 1,000,000 files', system, measure: (bench, folder) => measure(bench, system, folder) }
}

async function measure(bench: Bench, system: Single['system'], folder: string): Promise<Finding[]> {
	const instance = await instanceOf(bench, system, folder)
	await (await instance.start()).stop()
	await fillCatalogue(instance.catalogue, { directories: DIRECTORIES, files: FILES })
	const running = await instance.start()
	try {
		const before = residentMib(running.pid as number)
		const started = performance.now()
		const found = Number(await run(['sh', '-c', 'find "$1" | wc -l', 'sh', running.root], { deadlineMs: DEADLINE_MS }))
		const seconds = (performance.now() - started) / 1000
		if (found !== 1 + DIRECTORIES + DIRECTORIES * FILES) throw new Error(`find saw ${found} names`)
		return [finding(system, { before, after: residentMib(running.pid as number), seconds })]
	} finally {
		await running.stop()
	}
}

function finding(system: string, { before, after, seconds }: { before: Resident; after: Resident; seconds: number }): Finding {
	return {
		title: `resident memory after \`find\` over 1,000,000 catalogued files, ${system}`,
		value: `${after.all.toFixed(0)} MiB, of which ${after.mapped.toFixed(0)} are mapped files (${before.all.toFixed(0)} and ${before.mapped.toFixed(0)} before; ${seconds.toFixed(1)} s)`,
		target: `below ${RESIDENT_MIB_MAX} MiB`,
		met: after.all < RESIDENT_MIB_MAX,
		explanation: 'VmRSS of the daemon. It keeps no table of inodes: the kernel\'s number for a file is the catalogue\'s.',
	}
}
