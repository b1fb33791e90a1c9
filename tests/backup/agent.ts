/** The agent as its users run it: one file, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildAgent } from '../../backup/build.ts'
import { KEY, SITE } from './fake-server.ts'

export interface Ended {
	code: number | null
	out: string
	err: string
}

export interface Agent {
	/** Everything of this test; what is outside of `folder` is not the agent's. */
	base: string
	folder: string
	script: string
	environment: NodeJS.ProcessEnv
	run(...words: string[]): Promise<Ended>
	start(...words: string[]): { child: ChildProcess; ended: Promise<Ended> }
	/** Of the folder: paths, without the agent's own directory. */
	paths(): string[]
	content(path: string): string
	remove(): void
}

const DEADLINE_MS = 60_000

export async function placeAgent(url: string, { folder, node = process.execPath, key = KEY }: { folder?: string; node?: string; key?: string } = {}): Promise<Agent> {
	const base = mkdtempSync(join(tmpdir(), 'cairn-agent-'))
	const script = join(base, 'cairn-backup.mjs')
	const agent: Agent = {
		base,
		folder: folder ?? join(base, 'folder'),
		script,
		environment: { PATH: process.env['PATH'], CAIRN_BACKUP_SERVER: url, CAIRN_BACKUP_SITE: SITE, CAIRN_BACKUP_KEY: key, CAIRN_BACKUP_RESERVE: '0' },
		start(...words) {
			const env = { CAIRN_BACKUP_FOLDER: agent.folder, ...agent.environment }
			const child = spawn(node, [script, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: DEADLINE_MS, killSignal: 'SIGKILL' })
			return { child, ended: endOf(child) }
		},
		run: (...words) => agent.start(...words).ended,
		paths: () => readdirSync(agent.folder, { recursive: true, encoding: 'utf8' }).filter((path) => !path.startsWith('.cairn-backup')).sort(),
		content: (path) => readFileSync(join(agent.folder, path), 'utf8'),
		remove: () => rmSync(base, { recursive: true, force: true }),
	}
	if (!existsSync(agent.folder)) mkdirSync(agent.folder)
	writeFileSync(script, (await buildAgent()).text, { mode: 0o600 })
	return agent
}

async function endOf(child: ChildProcess): Promise<Ended> {
	const said = { out: '', err: '' }
	child.stdout?.setEncoding('utf8').on('data', (text: string) => {
		said.out += text
	})
	child.stderr?.setEncoding('utf8').on('data', (text: string) => {
		said.err += text
	})
	const [code] = (await once(child, 'close')) as [number | null]
	return { code, ...said }
}
