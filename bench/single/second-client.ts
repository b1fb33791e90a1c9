import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { run, startDaemon } from '../processes.ts'
import { CAIRN } from '../systems/cairn.ts'
import type { Finding, Single } from './single.ts'
import { instanceOf } from './instance.ts'

const CHANGES = 20
const VISIBLE_MS_MAX = 300

export function secondClient(system: Single['system']): Single {
	return { id: 'second-client', title: "a second client's change", system, measure: (bench, folder) => measure(bench, system, folder) }
}

async function measure(bench: Bench, system: Single['system'], folder: string): Promise<Finding[]> {
	const instance = await instanceOf(bench, system, folder)
	const here = await instance.start()
	try {
		const there = join(folder, 'second')
		await mkdir(there)
		const second = await startDaemon([CAIRN, 'mount', there, '--config', instance.config, '-f'], { mountPoint: there })
		const stop = bench.atEnd(() => second.stop())
		try {
			return findings(system, await run([bench.program('visible'), here.root, there, `${CHANGES}`]))
		} finally {
			await stop()
		}
	} finally {
		await here.stop()
	}
}

function findings(system: string, printed: string): Finding[] {
	const [nameMs, modeMs, stale] = printed.trim().split(' ').map(Number)
	return [
		{
			title: `a second client's change visible here (the slowest of ${CHANGES} new names and ${CHANGES} new modes), ${system}`,
			value: `${nameMs.toFixed(1)} ms, ${modeMs.toFixed(1)} ms`,
			target: `below ${VISIBLE_MS_MAX} ms`,
			met: Math.max(nameMs, modeMs) < VISIBLE_MS_MAX,
			explanation: 'Two mounts of one catalogue; what was cached here is invalidated when the change journal is read.',
		},
		{
			title: `opens here that read old content after the other's close, ${system}`,
			value: `${stale} of ${2 * CHANGES}`,
			target: 'none',
			met: stale === 0,
		},
	]
}
