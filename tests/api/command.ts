/** Programs of others, with a deadline. */
import { type ExecFileException, execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const DEADLINE_MS = 90_000

export function scratch(t: TestContext): string {
	const folder = mkdtempSync(join(tmpdir(), 'cairn-dav-'))
	t.after(() => rmSync(folder, { recursive: true, force: true }))
	return folder
}

/** What it printed; fails with that where it ends with an error. */
export function command(program: string, args: string[], options: { input?: string; env?: Record<string, string>; cwd?: string } = {}): Promise<string> {
	return new Promise((resolve, reject) => {
		const env = { ...process.env, ...options.env }
		const child = execFile(program, args, { timeout: DEADLINE_MS, env, cwd: options.cwd }, (error: ExecFileException | null, stdout, stderr) =>
			error ? reject(new Error(`${program} ${args.join(' ')}: ${error.message}\n${stdout}${stderr}`)) : resolve(stdout + stderr),
		)
		child.stdin?.end(options.input)
	})
}
