/** The file volunteers download: its checksum is of what it does, not of where the door that offers it was started. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { buildAgent } from '../../backup/build.ts'

const BUILD = new URL('../../backup/build.ts', import.meta.url)

function builtIn(directory: string): string {
	const script = `console.log((await (await import('${BUILD}')).buildAgent()).sha256)`
	return execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: directory, encoding: 'utf8' }).trim()
}

test('the agent is the same wherever it is built, and names no place of that machine', async () => {
	const { text, sha256 } = await buildAgent()
	assert.deepEqual([builtIn('/'), builtIn('/tmp')], [sha256, sha256])
	assert.doesNotMatch(text, /^\/\/ (\.\.|\/)/m)
})
