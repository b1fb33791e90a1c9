/** What the figures were measured on. */
import { cpus, release, totalmem } from 'node:os'
import { run } from './processes.ts'

const GIB = 2 ** 30

/** `asked`: where it should have been, had the disk there a journal. */
export async function machineFacts(directory: string, asked = directory): Promise<string[]> {
	const own = directory === asked ? '' : `, with a journal, in a file on ${named(await diskOf(asked))}, which has none`
	return [
		`Linux ${release()}, ${cpus().length} cores (${cpus()[0].model.trim()}), ${Math.round(totalmem() / GIB)} GiB of memory`,
		named(await diskOf(directory)) + own,
		`Node ${process.version}, SQLite ${process.versions.sqlite}`,
		`MariaDB: ${await versionOf(['mariadbd', '--version'])}`,
		`sshfs: ${await versionOf(['sshfs', '--version'])}`,
	]
}

export async function diskOf(directory: string): Promise<{ type: string; source: string }> {
	const [type, source] = (await run(['findmnt', '-no', 'FSTYPE,SOURCE', '--target', directory])).trim().split(/\s+/)
	return { type, source }
}

function named({ type, source }: { type: string; source: string }): string {
	return `${type} on ${source}`
}

async function versionOf(command: readonly string[]): Promise<string> {
	const said = await run(command).catch(() => 'not installed')
	return /\d+\.\d+[\w.+-]*/.exec(said)?.[0] ?? said.split('\n')[0]
}
