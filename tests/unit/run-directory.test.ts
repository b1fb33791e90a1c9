/** The directory of locks and sockets is one's own, or none. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const MODULE = fileURLToPath(new URL('../../core/live/directory.ts', import.meta.url))
const NOBODY = 65_534

test('what another user made, or cannot be made, is refused in a line', { skip: process.getuid?.() !== 0 && 'only root becomes another user' }, (t) => {
	const place = mkdtempSync(join(tmpdir(), 'cairn-run-'))
	t.after(() => rmSync(place, { recursive: true }))
	const asNobody = (XDG_RUNTIME_DIR: string) => {
		const script = `import(${JSON.stringify(MODULE)}).then((module) => console.log(module.runDirectory(process.env))).catch((error) => console.log(error.message))`
		return spawnSync(process.execPath, ['-e', script], { uid: NOBODY, gid: NOBODY, env: { XDG_RUNTIME_DIR }, cwd: '/', encoding: 'utf8' }).stdout
	}
	chmodSync(place, 0o755)
	assert.match(asNobody(place), /cairn-65534 cannot be made \(EACCES\): XDG_RUNTIME_DIR/)
	chmodSync(place, 0o777)
	const own = join(place, 'cairn-65534')
	assert.equal(asNobody(place), `${own}\n`)
	rmSync(own, { recursive: true })
	mkdirSync(own, { mode: 0o777 })
	assert.match(asNobody(place), /cairn-65534 belongs to user 0: XDG_RUNTIME_DIR/)
})
