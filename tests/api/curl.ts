/** curl as a process of its own: command lines are tried as they are written. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const DEADLINE_SECONDS = '20'

export async function curl(...options: string[]): Promise<{ status: number; text: string }> {
	const { stdout } = await promisify(execFile)('curl', ['-s', '-w', '\n%{http_code}', '--max-time', DEADLINE_SECONDS, ...options])
	const end = stdout.lastIndexOf('\n')
	return { status: Number(stdout.slice(end + 1)), text: stdout.slice(0, end) }
}
