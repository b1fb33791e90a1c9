/**
 * A disk as servers have one. An ext4 without a journal, as in some virtual machines, looks at every inode that was freed within
 * the last minutes whenever a file is made: in a bench that removes as many as it makes this is most of what creating one costs, and
 * no server's disk does it. There the disk under test is an ext4 of its own, in a file.
 */
import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { diskOf } from './machine.ts'
import { run } from './processes.ts'

const SIZE = '24G'

export interface OwnDisk {
	directory: string
	end(): Promise<void>
}

/** Undefined where the directory's disk is as good as any. */
export async function ownDisk(directory: string): Promise<OwnDisk | undefined> {
	const { type, source } = await diskOf(directory)
	if (type !== 'ext4' || (await hasJournal(source))) return undefined
	const folder = await mkdtemp(join(directory, 'cairn-bench-disk-'))
	const image = join(folder, 'ext4')
	const mountPoint = join(folder, 'mounted')
	await mkdir(mountPoint)
	await run(['truncate', '-s', SIZE, image])
	await run(['mkfs.ext4', '-q', '-F', image])
	await run(['mount', '-o', 'loop', image, mountPoint])
	return {
		directory: mountPoint,
		async end() {
			await run(['umount', mountPoint])
			await run(['rm', '-rf', '--one-file-system', folder])
		},
	}
}

async function hasJournal(device: string): Promise<boolean> {
	const task = await readFile(`/sys/fs/ext4/${basename(device)}/journal_task`, 'utf8').catch(() => '')
	return !task.includes('<none>')
}
