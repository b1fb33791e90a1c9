/**
 * The command lines of docs/HTTP-DIALECTS.md, and more of SeaweedFS's own, run as they stand against `cairn api` with the
 * configuration that stands there. curl is told that the ports are others: a test must not take those.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '../support/free-port.ts'
import { withHands } from '../support/hands.ts'
import { type Mounted, startUp } from '../support/mount.ts'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const DOCUMENT = readFileSync(new URL('../../docs/HTTP-DIALECTS.md', import.meta.url), 'utf8')
const PHOTO = randomBytes(30_000)

function blocks(language: string): string[] {
	return [...DOCUMENT.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block]) => block)
}

/** With the addresses of the document, on ports that are free; curl finds them by a file in the directory. */
async function serve(t: TestContext, up: Mounted): Promise<void> {
	let [listening] = blocks('ts')
	const lines: string[] = []
	for (const [, port] of listening.matchAll(/127\.0\.0\.1:(\d+)/g)) {
		const free = await freePort()
		listening = listening.replace(`127.0.0.1:${port}`, `127.0.0.1:${free}`)
		lines.push(`connect-to = ":${port}:127.0.0.1:${free}"`)
	}
	writeFileSync(join(up.dir, '.curlrc'), ['silent', 'show-error', 'max-time = 20', ...lines, ''].join('\n'))
	const text = readFileSync(up.config, 'utf8')
	const changed = text.replace(/^\tapi: \{$.*?^\t\},$/ms, listening)
	assert.notEqual(changed, text)
	writeFileSync(up.config, changed)
	const child = spawn(CAIRN, ['api', '--config', up.config], { stdio: ['ignore', 'pipe', 'inherit'] })
	t.after(async () => {
		child.kill('SIGTERM')
		if (child.exitCode === null) await once(child, 'exit')
	})
	for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('ready: ')) return
	throw new Error('it ended before it was ready')
}

type Expected = RegExp | Buffer | string

async function run(up: Mounted, line: string, expected: Expected): Promise<string> {
	const { stdout } = await promisify(execFile)('bash', ['-c', line], { encoding: 'buffer', env: { ...process.env, CURL_HOME: up.dir, HOME: up.dir } })
	const said = stdout.toString()
	if (Buffer.isBuffer(expected)) assert.ok(stdout.equals(expected), `${line}: ${said.slice(0, 200)}`)
	else if (typeof expected === 'string') assert.equal(said, expected, line)
	else assert.match(said, expected, line)
	return said
}

const STORED = new RegExp(`"name":"myphoto.jpg","size":${PHOTO.length},"eTag":"[0-9a-f]{8}"`)
const FID = /"fid":"(\d+,[0-9a-f]+)"/
const DONE = /"success":true/

/** What each line of the document is to say, in order. */
const SAYS: Expected[][] = [
	[FID, STORED, STORED, PHOTO, /"locations":\[\{"url"/, new RegExp(`^{"size":${PHOTO.length}}$`), /"count": 5/, /"fileName":"myphoto.jpg".*"fileUrl"/],
	['', '', 'photo', /"storages".*"webserver"/],
	[/"status"/, DONE, DONE, /"bytes_written":5/, /"bytes_added":6/, 'hello world', /"length":11/, /"entries":\[.*"Name":"docs"/, DONE, DONE],
]

/** Of SeaweedFS's documentation: FID is what was assigned last. */
const MORE: Array<[line: string, expected: Expected]> = [
	['curl -X POST http://localhost:9333/dir/assign', FID],
	['curl -F file=@PHOTO http://127.0.0.1:8080/FID', STORED],
	['curl http://127.0.0.1:8080/FID', PHOTO],
	['curl http://127.0.0.1:8080/FID.jpg', PHOTO],
	['curl http://127.0.0.1:8080/VOLUME/KEY', PHOTO],
	['curl http://127.0.0.1:8080/VOLUME/KEY.jpg', PHOTO],
	['curl -I http://127.0.0.1:8080/FID', /content-length: 30000/i],
	['curl -H "Range: bytes=0-9" http://127.0.0.1:8080/FID', PHOTO.subarray(0, 10)],
	['curl "http://localhost:9333/dir/lookup?fileId=FID&pretty=y"', /"locations": \[/],
	['curl "http://localhost:9333/dir/assign?replication=000"', FID],
	['curl "http://localhost:9333/dir/assign?dataCenter=nowhere"', /"error"/],
	['curl "http://localhost:9333/vol/grow?replication=000&count=4"', /"count":4/],
	['curl "http://localhost:9333/dir/status?pretty=y"', /"Topology"/],
	['curl "http://localhost:9333/vol/status?pretty=y"', /"Volumes"/],
	['curl "http://localhost:9333/cluster/status?pretty=y"', /"IsLeader": true/],
	['curl -F file=@PHOTO "http://localhost:9333/submit?collection=pictures"', /"fid"/],
]

test('the command lines of the documents', async (t) => {
	const up = await startUp({ nodes: 2 })
	t.after(() => up.remove())
	const photo = join(up.dir, 'myphoto.jpg')
	writeFileSync(photo, PHOTO)
	writeFileSync(join(up.dir, 'hostname'), 'photo')
	await serve(t, up)
	let fid = ''
	const real = (line: string) => {
		const [volume, key] = fid.split(',')
		const named = line.replaceAll('/home/chris/myphoto.jpg', photo).replaceAll('PHOTO', photo).replaceAll('/etc/hostname', join(up.dir, 'hostname'))
		return named.replaceAll('1,10637037d6', fid).replaceAll('1/10637037d6', fid.replace(',', '/')).replaceAll('FID', fid).replaceAll('VOLUME', volume).replaceAll('KEY', key)
	}
	const take = async (line: string, expected: Expected) => {
		const said = await run(up, real(line), expected)
		if (line.endsWith('/dir/assign')) fid = FID.exec(said)?.[1] as string
	}
	const documented = blocks('sh').map((block) => block.split('\n').filter((line) => line.startsWith('curl ')))
	assert.deepEqual(documented.map(({ length }) => length), SAYS.map(({ length }) => length))
	for (const [index, lines] of documented.entries()) for (const [at, line] of lines.entries()) await take(line, SAYS[index][at])
	for (const [line, expected] of MORE) await take(line, expected)

	const holders = up.nodes.filter((node) => existsSync(join(node, 'file/path/to/save')))
	assert.equal(holders.length, 1)
	assert.equal(readFileSync(join(holders[0], 'file/path/to/save'), 'utf8'), 'photo', 'a plain file on a node')
	await withHands(async (hands) => {
		assert.equal(String(await hands.do('read', join(up.mountPoint, 'file/path/to/save'))), 'photo', 'and in the mount')
	})
	const plain = up.nodes.flatMap((node) => (existsSync(join(node, '.blobs')) ? readdirSync(join(node, '.blobs'), { recursive: true, encoding: 'utf8' }) : []))
	assert.ok(plain.some((path) => path.endsWith('_myphoto.jpg')))
})
