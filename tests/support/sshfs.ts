/**
 * A real network mount whose server can be hung: sshfs with a private sftp-server behind it instead of an ssh connection.
 * Needs root, sshfs and openssh-sftp-server.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PATIENCE_MS } from './until.ts'

const SFTP_SERVERS = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server', '/usr/lib/ssh/sftp-server']
const POLL_MS = 20

export interface SshfsMount {
	/** The server stops answering; nothing is lost. */
	hang(): void
	resume(): void
	/** The server and its mount go away, from whatever state; the mount point is an empty directory again. */
	unmount(): Promise<void>
	/** The server dies and the mount stays: every call on it fails. */
	kill(): Promise<void>
	/** `unmount`, and what the mount needed on the disk is removed. */
	stop(): Promise<void>
}

/** `source` must be absolute. sshfs caches no names and no attributes, so that every call reaches the server. */
export async function mountSshfs(source: string, mountPoint: string, further: readonly string[] = []): Promise<SshfsMount> {
	mkdirSync(mountPoint, { recursive: true })
	const scratch = mkdtempSync(join(tmpdir(), 'cairn-sshfs-'))
	const pidFile = join(scratch, 'pid')
	const client = spawn('sshfs', [`host:${source}`, mountPoint, ...options(sshCommand(scratch, pidFile)), ...further], {
		stdio: ['ignore', 'inherit', 'inherit'],
	})
	await until(() => isMounted(mountPoint) && pidIn(pidFile) > 0, client)
	const server = pidIn(pidFile)

	async function unmount(): Promise<void> {
		signal(server, 'SIGCONT')
		if (isMounted(mountPoint)) execFileSync('umount', ['-l', mountPoint])
		client.kill('SIGKILL')
		signal(server, 'SIGKILL')
		await ended(client)
		process.off('exit', cleanUp)
	}

	function cleanUp(): void {
		signal(server, 'SIGKILL')
		client.kill('SIGKILL')
		if (isMounted(mountPoint)) execFileSync('umount', ['-l', mountPoint])
	}

	async function kill(): Promise<void> {
		client.kill('SIGKILL')
		signal(server, 'SIGKILL')
		await ended(client)
	}

	async function stop(): Promise<void> {
		await unmount()
		rmSync(scratch, { recursive: true })
	}

	process.on('exit', cleanUp)
	return { hang: () => signal(server, 'SIGSTOP'), resume: () => signal(server, 'SIGCONT'), unmount, kill, stop }
}

/** What sshfs runs to reach a server: here it becomes the server. */
function sshCommand(scratch: string, pidFile: string): string {
	const server = SFTP_SERVERS.find((path) => existsSync(path)) ?? 'sftp-server'
	const script = join(scratch, 'ssh')
	writeFileSync(script, `#!/bin/sh\necho $$ > ${pidFile}\nexec ${server}\n`, { mode: 0o755 })
	return script
}

function options(command: string): string[] {
	return ['-f', '-o', `ssh_command=${command},dir_cache=no,attr_timeout=0,entry_timeout=0,negative_timeout=0`]
}

function isMounted(mountPoint: string): boolean {
	return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${mountPoint} `)
}

/** 0 where there is none yet. */
function pidIn(pidFile: string): number {
	return existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0
}

async function until(isReady: () => boolean, client: ChildProcess): Promise<void> {
	for (let waited = 0; waited < PATIENCE_MS && client.exitCode === null; waited += POLL_MS) {
		if (isReady()) return
		await delay(POLL_MS)
	}
	client.kill('SIGKILL')
	throw new Error(`sshfs did not mount (exit code ${client.exitCode})`)
}

async function ended(child: ChildProcess): Promise<void> {
	if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** It may have ended by itself when its client did. */
function signal(pid: number, name: NodeJS.Signals): void {
	try {
		process.kill(pid, name)
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
	}
}
