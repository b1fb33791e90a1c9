/** What the figures were measured on. */
import { cpus, release, totalmem } from 'node:os'
import { run } from './processes.ts'

const GIB = 2 ** 30

export async function machineFacts(directory: string): Promise<string[]> {
	const [type, source] = (await run(['findmnt', '-no', 'FSTYPE,SOURCE', '--target', directory])).trim().split(/\s+/)
	return [
		`Linux ${release()}, ${cpus().length} cores (${cpus()[0].model.trim()}), ${Math.round(totalmem() / GIB)} GiB of memory`,
		`${type} on ${source}`,
		`Node ${process.version}, SQLite ${process.versions.sqlite}`,
		`MariaDB: ${await versionOf(['mariadbd', '--version'])}`,
		`sshfs: ${await versionOf(['sshfs', '--version'])}`,
	]
}

async function versionOf(command: readonly string[]): Promise<string> {
	const said = await run(command).catch(() => 'not installed')
	return /\d+\.\d+[\w.+-]*/.exec(said)?.[0] ?? said.split('\n')[0]
}
