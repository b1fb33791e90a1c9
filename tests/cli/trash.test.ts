/** The trash through a mount and the command line. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { KeptFile } from '../../cli/trash-list.ts'
import { EXIT } from '../../cli/exit-codes.ts'
import { type Mounted, type Said, startUp } from '../support/mount.ts'
import { makeWorkplace } from './workplace.ts'

const shell = async (script: string) => (await promisify(execFile)('timeout', ['-s', 'KILL', '20', 'sh', '-c', script])).stdout
const CONFIG = `export default { catalogue: 'catalogue.db', mount: { path: 'combined', allowOther: true },
	classes: [{ name: 'scratch', pattern: '^scratch/', copies: 1 }, { name: 'default', pattern: '', copies: 1, trashDays: 30 }] }`

function succeeded({ code, stdout, stderr }: Said): string {
	assert.equal(code, 0, stderr)
	return stdout
}

async function list(up: Mounted, ...words: string[]): Promise<KeptFile[]> {
	return JSON.parse(succeeded(await up.cairn('trash', 'list', '--json', ...words)))
}

test('a removed tree is listed, put back, removed for good', async (t) => {
	const up = await startUp({
		prepare(dir) {
			writeFileSync(join(dir, 'config.ts'), CONFIG)
			chmodSync(join(dir, 'config.ts'), 0o600)
		},
	})
	t.after(() => up.remove())
	const mp = up.mountPoint
	await shell(`cd ${mp} && ls .trash/2026 2>/dev/null; mkdir -p tree/a/b scratch && echo one >tree/a/x && echo two >tree/a/b/y && ln -s x tree/a/l && echo z >scratch/z`)
	await shell(`cd ${mp} && ls .trash/$(date -u +%F)/tree/a/x 2>/dev/null; rm -rf tree scratch && test ! -e tree`)
	const [day] = (await shell(`ls ${mp}/.trash`)).split('\n')
	assert.equal(await shell(`cat ${mp}/.trash/${day}/tree/a/x ${mp}/.trash/${day}/tree/a/b/y`), 'one\ntwo\n')
	assert.equal(await shell(`stat -c %a ${mp}/.trash ${mp}/.trash/${day}`), '711\n711\n')
	assert.ok(up.nodes.some((node) => existsSync(join(node, '.trash', day, 'tree/a/x'))))
	await assert.rejects(shell(`setpriv --reuid 65534 --regid 65534 --clear-groups ls ${mp}/.trash`))

	const kept = await list(up)
	assert.deepEqual(kept.map(({ path }) => path).sort(), ['tree/a/b/y', 'tree/a/l', 'tree/a/x'])
	assert.deepEqual((await list(up, '/tree/a/b')).map(({ path, removed, daysLeft }) => [path, removed, daysLeft]), [['tree/a/b/y', day, 31]])
	assert.match(succeeded(await up.cairn('trash', 'list')), new RegExp(`^${day} .* 4 +31 d left +tree/a/x$`, 'm'))

	assert.equal(succeeded(await up.cairn('trash', 'restore', 'tree')), '3 restored\n')
	assert.deepEqual(await list(up), [])
	assert.equal(succeeded(await up.cairn('trash', 'list')), 'the trash is empty\n')
	assert.equal(await shell(`cat ${mp}/tree/a/l ${mp}/tree/a/b/y`), 'one\ntwo\n')
	await shell(`rm ${mp}/tree/a/x && echo new >${mp}/tree/a/x`)
	const left = await up.cairn('trash', 'restore', '/tree/a/x')
	assert.equal(left.code, EXIT.left)
	assert.match(left.stderr, /^cairn: tree\/a\/x: something has that name now; --as gives it another$/m)
	const [{ id }] = await list(up)
	assert.equal(succeeded(await up.cairn('trash', 'restore', `${id}`, '--as', 'tree/a/x.old')), '1 restored\n')
	assert.equal(await shell(`cat ${mp}/tree/a/x ${mp}/tree/a/x.old`), 'new\none\n')
	const none = await up.cairn('trash', 'restore', 'tree/none')
	assert.equal(none.code, EXIT.refused)
	assert.match(none.stderr, /nothing of that name is in the trash/)

	await shell(`rm ${mp}/tree/a/x ${mp}/tree/a/x.old`)
	assert.match(succeeded(await up.cairn('trash', 'empty')), /^2 files with 8B would be removed for good; --yes does it$/m)
	assert.match(succeeded(await up.cairn('trash', 'empty', '--older', '1', '--yes')), /2 kept/)
	assert.match(succeeded(await up.cairn('trash', 'empty', '--yes')), /2 removed/)
	assert.deepEqual(await list(up), [])
	assert.equal(succeeded(await up.cairn('trash', 'empty')), 'nothing to remove\n')
	assert.equal((await up.cairn('trash', 'empty', '--class', 'none')).code, EXIT.refused)
	assert.equal(succeeded(await up.cairn('replicator', '-a', 'trash', '-q')), '')
	assert.ok(!up.nodes.some((node) => existsSync(join(node, '.trash', day))))
})

test('what belongs to no node is done beside any that is in service', async (t) => {
	const place = makeWorkplace(t)
	succeeded(await place.cairn('init'))
	for (const name of ['n1', 'n2']) succeeded(await place.cairn('node', 'add', name, place.makeDirectory(name)))
	succeeded(await place.cairn('node', 'set', 'n1', '--state', 'down'))
	assert.match(succeeded(await place.cairn('trash', 'purge')), /^trash n2: nothing to do/)
	succeeded(await place.cairn('stats', '--rebuild'))
	succeeded(await place.cairn('node', 'set', 'n2', '--state', 'down'))
	const { code, stderr } = await place.cairn('trash', 'purge')
	assert.equal(code, EXIT.left)
	assert.match(stderr, /n1: the node is down/)
})

test('names that are no text: shown so that they can be told apart, and in JSON with their bytes', async (t) => {
	const up = await startUp({
		prepare(dir) {
			writeFileSync(join(dir, 'config.ts'), CONFIG)
			chmodSync(join(dir, 'config.ts'), 0o600)
		},
	})
	t.after(() => up.remove())
	const name = Buffer.from([0x62, 0xff])
	await shell(`cd ${up.mountPoint} && f=$(printf 'b\\377') && echo 1 >"$f" && rm "$f"`)
	assert.deepEqual((await list(up)).map(({ pathBase64 }) => pathBase64), [name.toString('base64')])
	assert.match(succeeded(await up.cairn('trash', 'list')), / b\\xff$/m)

	await shell(`mkdir ${up.mountPoint}/scratch && echo 1 >"${up.mountPoint}/scratch/$(printf 'b\\377')"`)
	await shell(`for f in ${up.nodes.map((node) => `${node}/scratch/b*`).join(' ')}; do test ! -e "$f" || echo by hand >>"$f"; done`)
	await up.cairn('walk')
	const conflicts = JSON.parse(succeeded(await up.cairn('conflicts', 'list', '--json')))
	assert.deepEqual(conflicts.map(({ pathBase64 }: { pathBase64: string }) => pathBase64), [Buffer.concat([Buffer.from('scratch/'), name]).toString('base64')])
	assert.match(succeeded(await up.cairn('conflicts', 'list')), / scratch\/b\\xff /)
})
