import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../processes.ts'
import { install, settleDisk } from './installation.ts'
import { inRounds, type Setting } from './rounds.ts'

const FILES = 4
const MIB = 1024
const DEADLINE_MS = 300_000

/** 4 x 1 GiB from one directory of a disk to another. */
export async function bigFiles(setting: Setting): Promise<void> {
	const { directory } = setting
	const { a, cairn, reset } = await install(directory, fill)
	const copy = join(directory, 'copy')
	const prepare = async () => {
		rmSync(copy, { recursive: true, force: true })
		mkdirSync(copy)
		await reset()
	}
	const shell = (script: string) => run(['sh', '-c', script, 'sh', a, copy], { deadlineMs: DEADLINE_MS })
	await inRounds(
		setting,
		{
			cp: { prepare, work: async () => void (await shell('cp "$1"/big* "$2"')) },
			cairn: { prepare, work: async () => void (await cairn('replicate', '--node', 'b')) },
			rsync: { prepare, work: async () => void (await shell('rsync -a "$1"/big* "$2"')) },
			'cp and sync': {
				prepare,
				async work() {
					await shell('cp "$1"/big* "$2"')
					await settleDisk(copy)
				},
			},
		},
		{ cp: 0.9, rsync: 1.5 },
	)
}

async function fill(a: string): Promise<void> {
	for (let file = 1; file <= FILES; file++) {
		await run(['sh', '-c', `head -c ${MIB * 1024 * 1024} /dev/urandom > "$1"`, 'sh', join(a, `big${file}`)], {
			deadlineMs: DEADLINE_MS,
		})
	}
}
