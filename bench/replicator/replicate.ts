/**
 * What `cairn replicate` does in a second, beside the programs people would use instead, in one run and in turns:
 *
 *   ./cairn exec node bench/replicator/replicate.ts [--rounds N] [--only REGEXP] [--dir DIRECTORY]
 *
 * Ratios are taken within a round and the median of the rounds is printed. `cp` and `rsync` leave their files in the page
 * cache; what replicate counts has reached the disk, so each followed by a sync of its disk is there for comparison.
 * Needs root, rsync and openssh-server.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bigFiles } from './big-files.ts'
import { overSftp } from './over-sftp.ts'
import { poll } from './poll.ts'
import type { Setting } from './rounds.ts'
import { smallFiles } from './small-files.ts'

const PARTS = { 'big files': bigFiles, 'small files': smallFiles, 'over SFTP': overSftp, poll }

const { values } = parseArgs({
	options: {
		rounds: { type: 'string', default: '5' },
		only: { type: 'string', default: '' },
		dir: { type: 'string', default: tmpdir() },
	},
})

const directory = mkdtempSync(join(values.dir, 'cairn-bench-'))
try {
	for (const [name, part] of Object.entries(PARTS)) {
		if (!new RegExp(values.only).test(name)) continue
		const own = join(directory, name.replaceAll(' ', '-'))
		mkdirSync(own)
		const setting: Setting = { directory: own, rounds: Number(values.rounds), say: (line) => console.log(`${name}: ${line}`) }
		await part(setting)
		rmSync(own, { recursive: true })
	}
} finally {
	rmSync(directory, { recursive: true, force: true })
}
