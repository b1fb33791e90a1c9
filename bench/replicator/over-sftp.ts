import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startSshd } from '../../tests/support/sshd.ts'
import { run } from '../processes.ts'
import { install } from './installation.ts'
import { inRounds, type Setting } from './rounds.ts'

const MIB = 1024
const DEADLINE_MS = 300_000

/** 1 GiB over SFTP on the loopback interface. */
export async function overSftp(setting: Setting): Promise<void> {
	const { directory } = setting
	const { a, cairn, reset } = await install(directory, fill)
	const sshd = await startSshd()
	try {
		// Node a is not where the catalogue says: only the server leads there.
		const far = join(directory, 'far')
		renameSync(a, far)
		const { keyFile, knownHostsFile } = sshd
		const sftp = { host: '127.0.0.1', port: sshd.directPort, user: 'root', path: far, keyFile, knownHostsFile }
		const config = join(directory, 'config.ts')
		writeFileSync(
			config,
			readFileSync(config, 'utf8').replace('catalogue:', `nodes: { a: { sftp: ${JSON.stringify(sftp)} } }, catalogue:`),
		)
		const copy = join(directory, 'copy')
		const prepare = async () => {
			rmSync(copy, { recursive: true, force: true })
			mkdirSync(copy)
			await reset()
		}
		const options = ['-q', '-P', `${sshd.directPort}`, '-i', keyFile, '-o', `UserKnownHostsFile=${knownHostsFile}`]
		await inRounds(
			setting,
			{
				'sftp get': {
					prepare,
					work: async () =>
						void (await run(['sftp', ...options, `root@127.0.0.1:${far}/big`, `${copy}/`], { deadlineMs: DEADLINE_MS })),
				},
				cairn: { prepare, work: async () => void (await cairn('replicate', '--node', 'b')) },
			},
			{ 'sftp get': 0.7 },
		)
	} finally {
		await sshd.stop()
	}
}

async function fill(a: string): Promise<void> {
	await run(['sh', '-c', `head -c ${MIB * 1024 * 1024} /dev/urandom > "$1"`, 'sh', join(a, 'big')], { deadlineMs: DEADLINE_MS })
}
