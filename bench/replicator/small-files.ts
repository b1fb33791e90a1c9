import { randomBytes } from 'node:crypto'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../processes.ts'
import { install, settleDisk } from './installation.ts'
import { inRounds, type Setting } from './rounds.ts'

const DIRECTORIES = 20
const FILES = 1000
const FILE_BYTES = 20 * 1024
const DEADLINE_MS = 300_000

/** 20,000 x 20 KiB. */
export async function smallFiles(setting: Setting): Promise<void> {
	const { directory } = setting
	const { a, cairn, reset } = await install(directory, fill)
	const copy = join(directory, 'copy')
	mkdirSync(copy)
	let turns = 0
	const prepare = async () => {
		const past = join(directory, `past${turns++}`)
		mkdirSync(past)
		renameSync(copy, join(past, 'copy'))
		mkdirSync(copy)
		await reset(past)
	}
	const rsync = async () => void (await run(['rsync', '-a', '--exclude', '/.cairn', `${a}/`, copy], { deadlineMs: DEADLINE_MS }))
	const rsyncAndSync = async () => {
		await rsync()
		await settleDisk(copy)
	}
	await inRounds(
		setting,
		{
			rsync: { prepare, work: rsync },
			'rsync and a sync': { prepare, work: rsyncAndSync },
			cairn: { prepare, work: async () => void (await cairn('replicate', '--node', 'b')) },
		},
		{ rsync: 1 },
	)
}

async function fill(a: string): Promise<void> {
	for (let directory = 0; directory < DIRECTORIES; directory++) {
		const path = join(a, `d${directory}`)
		mkdirSync(path)
		for (let file = 0; file < FILES; file++) writeFileSync(join(path, `f${file}`), randomBytes(FILE_BYTES))
	}
}
