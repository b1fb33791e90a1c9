/** What running processes say of themselves: through a mount, with its replicator and its door over HTTP beside it. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, renameSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { askWhy } from '../../core/live/ask.ts'
import { runDirectory, socketPrefix } from '../../core/live/directory.ts'
import type { Explanation } from '../../core/stats/explanation.ts'
import { type Said, startUp } from '../support/mount.ts'
import { until as untilDeadline } from '../support/until.ts'

/** What runs beside a mount comes after everybody else. */
const DEADLINE_MS = 60_000
const until = <T>(what: string, look: () => Promise<T | undefined> | T | undefined) => untilDeadline(what, look, DEADLINE_MS)

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const shell = async (script: string) => (await promisify(execFile)('timeout', ['-s', 'KILL', '20', 'sh', '-c', script])).stdout

function succeeded({ code, stdout, stderr }: Said): string {
	assert.equal(code, 0, stderr)
	return stdout
}

test('top and metrics of a mount, its replicator and its door', async (t) => {
	const up = await startUp({ io: 'carried', replicator: true, api: true })
	t.after(() => up.remove())
	const sockets = () => readdirSync(runDirectory(process.env)).filter((name) => name.startsWith(socketPrefix(up.catalogue)))
	await until('three sockets', () => sockets().length === 3 || undefined)
	await shell(`cd ${up.mountPoint} && mkdir pictures && for i in $(seq 40); do : >many.$i; done; for i in 1 2 3 4 5; do head -c 100000 /dev/zero >pictures/$i; done; cat pictures/3 >/dev/null; rmdir pictures || true`)

	// Who is busy for a second is left out: all that was said until each has.
	const KINDS = ['api', 'mount', 'replicator']
	let metrics = ''
	await until('all three', async () => {
		metrics += succeeded(await up.cairn('metrics'))
		return KINDS.every((what) => new RegExp(`process="${what}[" ]`).test(metrics)) || undefined
	})
	const has = (line: RegExp) => assert.ok(line.test(metrics), String(line))
	has(/^cairn_mount_seconds_count\{process="mount [^"]+",pid="\d+",operation="create"\} 45$/m)
	has(/^cairn_mount_carried_bytes_total\{.*direction="written"\} 500000$/m)
	has(/^cairn_mount_opens_total\{.*how="carried"\} [1-9]/m)
	has(/^cairn_mount_failures_total\{.*error="ENOTEMPTY"\} [1-9]/m)
	has(/^cairn_node_up\{process="mount .*node="node1"\} 1$/m)
	has(/^cairn_catalogue_up 1$/m)
	has(/^cairn_node_latency_seconds\{process="api",.*node="node1",op="read"\} /m)
	has(/^cairn_node_latency_seconds\{process="mount .*op="write"\} /m)
	has(/^process_resident_memory_bytes\{process="replicator"/m)
	// The replicator keeps the figures: nobody has to ask for them.
	await until('all files counted', async () => /^cairn_tree_files 45$/m.test(succeeded(await up.cairn('metrics'))) || undefined)

	// What is shown are two seconds, and to ask may take longer than that.
	const writer = spawn('setpriv', ['--pdeathsig', 'KILL', 'sh', '-c', `while :; do head -c 100000 /dev/zero >${up.mountPoint}/pictures/2; sleep 0.1; done`])
	t.after(() => writer.kill('SIGKILL'))
	const seen = new Set<string>()
	const write = await until('all three, and what is written', async () => {
		const { clients } = JSON.parse(succeeded(await up.cairn('top', '--once', '--json')))
		for (const { what } of clients) seen.add(what.split(' ')[0])
		if (!KINDS.every((kind) => seen.has(kind))) return undefined
		const operations = clients.find(({ what }: { what: string }) => what.startsWith('mount'))?.operations ?? []
		return operations.find((each: { operation: string; path?: string }) => each.operation === 'write' && each.path === 'pictures/2')
	})
	assert.ok(write.bytesPerSecond > 1_000)
	await until('the same in words', async () => /^mount .*operations a second$/m.test(succeeded(await up.cairn('top', '--once'))) || undefined)
	writer.kill('SIGKILL')
	await once(writer, 'exit')

	const following = spawn('setpriv', ['--pdeathsig', 'TERM', CAIRN, 'events', '--follow', '--json', '--since', '0', '--config', up.config], { stdio: ['ignore', 'pipe', 'inherit'] })
	t.after(() => following.kill())
	let told = ''
	following.stdout.on('data', (bytes) => {
		told += bytes
	})
	await until('what was', () => told.includes('"path":"pictures/1"') || undefined)
	await shell(`touch ${up.mountPoint}/later`)
	await until('what is', () => told.includes('"path":"later"') || undefined)
	following.kill('SIGINT')
	assert.deepEqual(await once(following, 'exit'), [0, null])
	const lines = told.trim().split('\n').map((line) => JSON.parse(line).seq)
	assert.equal(new Set(lines).size, lines.length)

	const [{ node }] = JSON.parse(succeeded(await up.cairn('why', 'pictures/1', '--json'))).copies
	const directory = up.nodes[Number(node.replace('node', '')) - 1]
	renameSync(directory, `${directory}-elsewhere`)
	const isMissed = new RegExp(`node ${node} is away since \\d{4}-`)
	await until('somebody has missed the node', async () => isMissed.test(succeeded(await up.cairn('why', 'pictures/1'))) || undefined)
	renameSync(`${directory}-elsewhere`, directory)

	// Asked of a process that runs, and looked up where none does: the same, whatever the name is made of.
	const odd = Buffer.from('pictures/\xff\n"', 'latin1')
	await shell(`cd ${up.mountPoint}/pictures && printf 1 >"$(printf '\\377\\n\\042')"`)
	const explain = async () => JSON.parse(succeeded(await up.cairn('why', 'pictures/1', '--json')))
	assert.deepEqual((await asked(up.catalogue, odd)).paths, [odd])
	assert.equal(await until('an answer', () => askWhy(up.catalogue, Buffer.from('pictures/none'))), 'nothing there')
	assert.match((await up.cairn('why', 'pictures/none')).stderr, /^cairn: pictures\/none: there is no such file in the tree\n$/)
	const answered = await explain()

	await up.kill()
	await until('nobody answers', async () => (await up.cairn('top', '--once')).stdout.startsWith('no mount') || undefined)
	await until('what was killed leaves nothing behind for long', () => sockets().length === 0 || undefined)
	assert.equal(await askWhy(up.catalogue, odd), undefined)
	const { paths, id, size, hash, class: rule } = await explain()
	assert.deepEqual({ paths, id, size, hash, class: rule }, { paths: answered.paths, id: answered.id, size: answered.size, hash: answered.hash, class: answered.class })
})

async function asked(catalogue: string, path: Buffer): Promise<Explanation> {
	const said = await until('an answer', () => askWhy(catalogue, path))
	assert.ok(typeof said === 'object', String(said))
	return said
}
