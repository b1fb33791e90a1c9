import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { fillCatalogue } from '../million.ts'
import { run } from '../processes.ts'
import { median } from '../samples.ts'
import { packetsDuring } from '../general-log.ts'
import type { Finding, Single } from './single.ts'
import { instanceOf } from './instance.ts'

const FEW = 10
const MANY = 100_000
const RENAMES = 20
/** The first finds more or less in the caches than the others; of those, what else goes on can only add to a count. */
const RECORDED = 9
/** Of times of less than a millisecond on a machine that does other things: a cost that grew with the files would be thousands. */
const RATIO_MAX = 2

/** Directories called `few00000` and `many00000`, as the rename program names things, in a directory `d000`. */
export function directoryRename(system: Single['system']): Single {
	return { id: 'directory-rename', title: 'renaming a directory', system, measure: (bench, folder) => measure(bench, system, folder) }
}

async function measure(bench: Bench, system: Single['system'], folder: string): Promise<Finding[]> {
	const instance = await instanceOf(bench, system, folder)
	const running = await instance.start()
	try {
		const parent = join(running.root, 'd000')
		await makeDirectory(join(parent, 'few00000'), instance.catalogue, FEW)
		await makeDirectory(join(parent, 'many00000'), instance.catalogue, MANY)
		const few = await renames(bench, running.root, 'few')
		const many = await renames(bench, running.root, 'many')
		return [timeFinding(system, few, many), ...(await workFindings(bench, system, running.root))]
	} finally {
		await running.stop()
	}
}

/** With one file made in the ordinary way, so that the directory stands on a node too. */
async function makeDirectory(path: string, catalogue: string, files: number): Promise<void> {
	await run(['mkdir', '-p', path])
	await run(['touch', join(path, 'real')])
	const id = Number(await run(['stat', '-c', '%i', path]))
	await fillCatalogue(catalogue, { parent: id, directories: 0, files: files - 1 })
}

/** The median time in milliseconds. */
async function renames(bench: Bench, root: string, name: string): Promise<number> {
	const times: number[] = []
	for (const pair of thereAndBack(name, RENAMES)) times.push(await renameOnce(bench, root, pair))
	return median(times) ?? Number.NaN
}

function thereAndBack(name: string, times: number): [from: string, to: string][] {
	return Array.from({ length: times }, (_, i) => (i % 2 ? [`${name}-`, name] : [name, `${name}-`]))
}

async function renameOnce(bench: Bench, root: string, [from, to]: [string, string]): Promise<number> {
	const [seconds] = (await run([bench.program('rename'), root, '1', '1', from, to])).split(' ')
	return Number(seconds) * 1000
}

function timeFinding(system: string, few: number, many: number): Finding {
	return {
		title: `renaming a directory with ${MANY.toLocaleString('en')} files below, against one with ${FEW}, ${system}`,
		value: `${many.toFixed(2)} ms, ${few.toFixed(2)} ms`,
		target: `the same time (within ${RATIO_MAX} ×)`,
		met: many <= few * RATIO_MAX,
		explanation: 'One entry changes its parent or name in the catalogue, one directory is renamed on each node; nothing below is touched.',
	}
}

/** Only a server can be asked what it was asked. */
async function workFindings(bench: Bench, system: string, root: string): Promise<Finding[]> {
	if (system !== 'cairn-mariadb') return []
	const mariadb = await bench.mariadb()
	const fewest = async (name: string) => {
		const counts: number[] = []
		for (const pair of thereAndBack(name, RECORDED)) counts.push((await packetsDuring(mariadb, () => renameOnce(bench, root, pair))).length)
		return Math.min(...counts.slice(1))
	}
	const few = await fewest('few')
	const many = await fewest('many')
	return [
		{
			title: `round trips to the catalogue for that rename, ${MANY.toLocaleString('en')} files and ${FEW}`,
			value: `${many}, ${few}`,
			target: 'the same number',
			met: many === few,
		},
	]
}
