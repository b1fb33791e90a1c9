/** Makes the one file that volunteers get, out of the sources in this folder. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentFile } from '../core/off-site/agent-file.ts'

const AGENT_VERSION = '1.0.0'
const NODE_TARGET = 'node20'

let built: Promise<AgentFile> | undefined

/** Bundled at the first call of a process. */
export function buildAgent(): Promise<AgentFile> {
	built ??= bundle()
	return built
}

async function bundle(): Promise<AgentFile> {
	const { build } = await import('esbuild')
	const { outputFiles } = await build({
		entryPoints: [join(import.meta.dirname, 'main.ts')],
		// Else where a door was started stands in the file, and each has another checksum.
		absWorkingDir: join(import.meta.dirname, '..'),
		bundle: true,
		write: false,
		platform: 'node',
		format: 'esm',
		target: NODE_TARGET,
		charset: 'utf8',
		banner: { js: readFileSync(join(import.meta.dirname, 'head.txt'), 'utf8') },
		define: { AGENT_VERSION: JSON.stringify(AGENT_VERSION) },
		logLevel: 'silent',
	})
	const text = (outputFiles[0] as { text: string }).text
	return { text, sha256: createHash('sha256').update(text).digest('hex') }
}
