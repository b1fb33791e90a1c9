/** The units in deploy/: systemd understands them, and what they start is a command line of ours. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EXIT } from '../../cli/exit-codes.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url))
const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const INSTALLED = '/opt/cairn/cairn'
const DEADLINE_MS = 60_000

for (const name of readdirSync(DEPLOY).filter((each) => each.endsWith('.service'))) {
	it(name, (t) => {
		const directory = mkdtempSync(join(tmpdir(), 'cairn-units-'))
		t.after(() => rmSync(directory, { recursive: true, force: true }))
		const text = readFileSync(join(DEPLOY, name), 'utf8').replaceAll(INSTALLED, CAIRN)
		writeFileSync(join(directory, name), text)
		const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(directory, name)], { encoding: 'utf8', timeout: DEADLINE_MS })
		assert.deepEqual([status, stderr], [0, ''])
		// It starts a unit five times in ten seconds, and no more.
		assert.ok(Number(/^RestartSec=(\d+)$/m.exec(text)?.[1]) > 10 / 5)
		const [command, ...words] = (/^ExecStart=(.*)$/m.exec(text)?.[1] ?? '').replace('/etc/cairn', directory).split(' ')
		assert.equal(command, CAIRN)
		const started = spawnSync(command, words, { encoding: 'utf8', timeout: DEADLINE_MS })
		assert.equal(started.status, EXIT.configuration, started.stderr)
	})
}
