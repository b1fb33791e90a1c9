/** The way round: who may not do something through the mount may not do it on the nodes, in the catalogue or in what lies beside them. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'

const NOBODY = 65_534
const MOUNT = 'combined'

it('another user reaches nothing but the mount', async (t) => {
	const up = await startUp({ nodes: 2, copies: 2, replicator: true, api: true })
	t.after(() => up.remove())
	await withHands((hands) => hands.do('write', join(up.mountPoint, 'secret'), 'secret'))
	await until('the second copy', () => up.nodes.every((node) => existsSync(join(node, 'secret'))) || undefined)
	await until('the door', () => /has the same over HTTP/.test(up.said()) || undefined)
	const paths = readdirSync(up.dir).filter((name) => name !== MOUNT).map((name) => join(up.dir, name))
	assert.ok(paths.length >= 5)
	const within = paths.flatMap((path) => (statSync(path).isDirectory() ? [join(path, '.cairn'), join(path, '.cairn/node.json'), join(path, 'secret'), join(path, 'new')] : []))
	for (const path of [...paths, ...within]) {
		for (const attempt of ['exec 3<"$1"', 'exec 3>>"$1"', 'ls "$1"/', 'rm -f "$1" && ! [ -e "$1" ] && exit 0; exit 1']) {
			assert.notEqual(await codeAsNobody(attempt, path), 0, `${attempt} ${path}`)
		}
	}
})

it('the command lines and environments of the processes of up hold no token and no password', async (t) => {
	const up = await startUp({ nodes: 1, api: true })
	t.after(() => up.remove())
	await until('the door', () => /has the same over HTTP/.test(up.said()) || undefined)
	const [, token] = /shown this once: (\S+)/.exec(up.said()) ?? []
	assert.match(token, /^cairn_/)
	const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && said(name, 'cmdline').includes(up.dir))
	assert.ok(pids.length >= 2)
	for (const pid of pids) for (const what of ['cmdline', 'environ']) assert.ok(!said(pid, what).includes(token), `${pid} ${what}`)
})

/** The process may have ended meanwhile. */
function said(pid: string, what: string): string {
	try {
		return readFileSync(`/proc/${pid}/${what}`, 'latin1')
	} catch {
		return ''
	}
}

function codeAsNobody(script: string, path: string): Promise<number> {
	const words = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', 'sh', '-c', script, 'sh', path]
	return new Promise((resolve) => {
		execFile('setpriv', words, { timeout: 10_000, killSignal: 'SIGKILL' }, (error) => resolve(error === null ? 0 : Number(error.code ?? -1)))
	})
}
