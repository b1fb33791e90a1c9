import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { withDefaults } from '../../core/config/defaults.ts'
import { findConfig, loadConfig } from '../../core/config/load.ts'
import { importConfig } from '../../core/config/module.ts'
import { UserError } from '../../core/errors.ts'

const directory = mkdtempSync(join(tmpdir(), 'cairn-config-'))
after(() => rmSync(directory, { recursive: true, force: true }))
let files = 0
const STRANGER = 12_345

function write(text: string, mode = 0o600): string {
	const path = join(directory, `config-${++files}.ts`)
	writeFileSync(path, text)
	chmodSync(path, mode)
	return path
}

const load = (text: string, mode?: number) => loadConfig({ path: write(text, mode), environment: {} })

const LONG = 'x'.repeat(256)

/** What is said, and the whole of what is answered after the file's name. */
const WRONG: Array<[said: string, answer: string]> = [
	['5', `the default export: found 5, allowed: an object with ${Object.keys(withDefaults({})).join(', ')}`],
	['{ catalog: "x" }', "catalog: no such option; the nearest is 'catalogue'"],
	['{ mount: { polMs: 100 } }', "mount.polMs: no such option; the nearest is 'pollMs'"],
	['{ mount: { qqqqqqqqqqqqqqqqqqqq: 1 } }', 'mount.qqqqqqqqqqqqqqqqqqqq: no such option; there are: path, driver, io, allowOther, cacheSeconds, publishSeconds, pollMs, trashDays, logFile'],
	['{ catalogue: "" }', 'catalogue: found "", allowed: a text that is not empty'],
	['{ catalogueTimeoutMs: "5 s" }', 'catalogueTimeoutMs: found "5 s", allowed: a whole number from 100 to 86400000'],
	['{ nodeCallsMax: 0 }', 'nodeCallsMax: found 0, allowed: a whole number from 1 to 1000'],
	['{ nodeCallsMax: Number("8 calls") }', 'nodeCallsMax: found NaN, allowed: a whole number from 1 to 1000'],
	['{ nodeCallsMax: 8n }', 'nodeCallsMax: found 8n, allowed: a whole number from 1 to 1000'],
	['{ zone: 7 }', 'zone: found 7, allowed: a text of at most 255 characters'],
	['{ cataloguePassword: 12345 }', 'cataloguePassword: found "(number)", allowed: a text'],
	...['99 * * * *', '0 24 * * *', '* * 32 * *', '* * * 13 *', '* * * * 1-8', '60 * * * * *'].map((schedule): [string, string] => [
		`{ replicator: { schedule: { trim: '*/5 0-23 31 12 0,7', replicate: '59 59 23 * * sun', walk: '*/90 * * * *', verify: '${schedule}' } } }`,
		`replicator.schedule.verify: found "${schedule}", allowed: a schedule as cron has it, such as '*/5 * * * *', or ''`,
	]),
	['{ classes: [] }', 'classes: found [], allowed: a list of at least one'],
	['{ classes: [{ name: "a", pattern: "" }] }', 'classes[0].copies: is missing'],
	['{ classes: [{ name: "a", pattern: "(", copies: 1 }] }', 'classes[0].pattern: found "(", allowed: a regular expression, as a text of at most 1024 characters'],
	[
		`{ classes: [{ name: "a", pattern: "${LONG.repeat(5)}", copies: 1 }] }`,
		`classes[0].pattern: found "${LONG.slice(0, 59)}…, allowed: a regular expression, as a text of at most 1024 characters`,
	],
	...[LONG, '', 'a '].map((name): [string, string] => [
		`{ classes: [{ name: "${name}", pattern: "", copies: 1 }] }`,
		`classes[0].name: found "${name.length > 59 ? `${name.slice(0, 59)}…` : `${name}"`}, allowed: a text that is not empty, of at most 255 characters, without blanks around it`,
	]),
	[`{ zone: "${LONG}" }`, `zone: found "${LONG.slice(0, 59)}…, allowed: a text of at most 255 characters`],
	['{ classes: [{ name: "a", pattern: "", copies: 1 }, { name: "a", pattern: "", copies: 1 }] }', "classes[1].name: 'a' is there twice"],
	[
		'{ classes: [{ name: "a", pattern: "", copies: 1, policy: "best" }] }',
		"classes[0].policy: found \"best\", allowed: 'most-free', 'random', 'local-first', 'existing-path', 'zone-spread'",
	],
	['{ classes: [{ name: "a", pattern: "", copies: 2, zones: 3 }] }', 'classes[0].zones: found 3, allowed: at most 2, as there are no more copies'],
	['{ api: { trustedProxies: ["::1", "10.0.0.0/8", "loopback", "proxy"] } }', "api.trustedProxies[3]: found \"proxy\", allowed: an address, a range such as '10.0.0.0/8', or loopback, linklocal, uniquelocal"],
	['{ api: { trustedProxies: ["10.0.0.0/33"] } }', "api.trustedProxies[0]: found \"10.0.0.0/33\", allowed: an address, a range such as '10.0.0.0/8', or loopback, linklocal, uniquelocal"],
	[
		'{ api: { corsOrigins: ["*", "https://a.example", "https://a.example/"] } }',
		"api.corsOrigins[2]: found \"https://a.example/\", allowed: '*', or an origin such as 'https://photos.example.org', with no slash at its end",
	],
	['{ nodes: { n1: { io: "fast" } } }', "nodes.n1.io: found \"fast\", allowed: 'auto', 'passthrough', 'carried'"],
	['{ nodes: { n1: { remote: "yes" } } }', 'nodes.n1.remote: found "yes", allowed: true or false'],
	['{ mount: { cacheSeconds: -1 } }', 'mount.cacheSeconds: found -1, allowed: a number from 0 to 86400000'],
	['{ api: { corsOrigins: "https://a.example" } }', 'api.corsOrigins: found "https://a.example", allowed: a list'],
	['{ replicator: { missingShareMax: 1.5 } }', 'replicator.missingShareMax: found 1.5, allowed: a number from 0 to 1'],
	['{ mount: { driver: "kernel" } }', "mount.driver: found \"kernel\", allowed: 'fuse', 'fuse-native'"],
	['{ api: { listen: [] } }', 'api.listen: found [], allowed: a list of at least one'],
	...['../x', 'a/./b', ''].map((path): [string, string] => [
		`{ api: { publicPaths: ["/", "a//b", "${path}"] } }`, `api.publicPaths[2]: found "${path}", allowed: a path from the root of the tree, with no '.' and '..' in it; '/' for all of it`,
	]),
	...['nonsense', 'ftp://a', 'http://', 'http://a:port', 'http://a/'].map((door): [string, string] => [
		`{ api: { doors: { a: "http://10.0.0.2:7780", b: "https://b/below", c: "${door}" } } }`,
		`api.doors.c: found "${door}", allowed: an address such as 'http://10.0.0.2:7780', with no slash at its end`,
	]),
	['{ cataloguePasswordFile: "none" }', `cataloguePasswordFile: ${directory}/none cannot be read (ENOENT)`],
]

for (const [said, answer] of WRONG) {
	test(`configuration ${said}: ${answer}`, async () => {
		const path = write(`export default ${said}`)
		await assert.rejects(loadConfig({ path, environment: {} }), new UserError(`${path}: ${answer}`, 3))
	})
}

test('a file that is no TypeScript names itself and says why', async () => {
	await assert.rejects(load('export default {'), (error: UserError) => error.exitCode === 3 && /config-\d+\.ts:1: /.test(error.message))
})

for (const [what, text] of [
	['does not read', "export default {\n\tcatalogue: 'x'\n\tzone: 'y',\n}"],
	['does not run', "const nodes = {}\n\nexport default { nodes: node }"],
]) test(`of a file that ${what} it is said in which line`, () => assert.rejects(load(text), (error: UserError) => /config-\d+\.ts:3: /.test(error.message)))

test('the lookup goes: named, environment, this directory', () => {
	const named = write('export default {}')
	const place = join(directory, 'config.ts')
	writeFileSync(place, 'export default {}')
	assert.equal(findConfig({ path: named, environment: { CAIRN_CONFIG: '/else' }, directory }), named)
	assert.equal(findConfig({ environment: { CAIRN_CONFIG: named }, directory }), named)
	assert.equal(findConfig({ environment: {}, directory }), place)
	assert.throws(() => findConfig({ path: '/does/not/exist.ts' }), new UserError('/does/not/exist.ts: no such file', 3))
})

test("one that just stands there is run only if it is the caller's or root's, and not everybody's to write", () => {
	const somewhere = mkdtempSync(join(directory, 'somewhere-'))
	const place = join(somewhere, 'config.ts')
	writeFileSync(place, 'export default {}')
	chmodSync(place, 0o666)
	const found = (environment: NodeJS.ProcessEnv = {}) => findConfig({ environment, directory: somewhere })
	const refused = (why: string) => new UserError(`${place}: ${why}, so it is not run; name it with --config if it is meant`, 3)
	assert.throws(found, refused('anybody may write it'))
	chmodSync(place, 0o664)
	assert.equal(found(), place)
	chownSync(place, STRANGER, STRANGER)
	assert.throws(found, refused('it belongs to another user'))
	assert.equal(found({ SUDO_UID: String(STRANGER) }), place, 'of who called sudo')
	assert.throws(() => found({ SUDO_UID: String(STRANGER + 1) }), UserError)
	assert.equal(findConfig({ path: place, environment: {} }), place, 'named')
	assert.equal(findConfig({ environment: { CAIRN_CONFIG: place } }), place)
})

test('paths are relative to the file, addresses of servers stay', async () => {
	const config = await load("export default { catalogue: 'c.db', nodes: { a: { path: 'n' } }, mount: { path: 'm', logFile: 'l' } }")
	assert.equal(config.catalogue, `sqlite:${directory}/c.db`)
	assert.equal(config.nodes.a.path, `${directory}/n`)
	assert.deepEqual([config.mount.path, config.mount.logFile], [`${directory}/m`, `${directory}/l`])
	assert.equal((await load("export default { catalogue: 'mysql://u@h/d' }")).catalogue, 'mysql://u@h/d')
	assert.equal((await load("export default { catalogue: 'MySQL://U@h/D' }")).catalogue, 'mysql://U@h/D')
})

test('an option that is undefined, as an unset variable of the environment is, is left out', async () => {
	const said = '{ catalogue: undefined, zone: process.env.NO_SUCH_ZONE, nodes: undefined, mount: { logFile: undefined, pollMs: undefined }, replicator: { schedule: { walk: undefined } } }'
	const path = write(`export default ${said}`)
	const { catalogue, ...config } = await loadConfig({ path, environment: {} })
	const { catalogue: file, ...defaults } = withDefaults({})
	assert.equal(catalogue, `sqlite:${join(directory, file)}`)
	assert.deepEqual(config, { ...defaults, backup: { ...defaults.backup, keyFile: join(directory, defaults.backup.keyFile) } })
})

test('the password: environment, then configuration, then file', async () => {
	const secret = join(directory, 'secret')
	writeFileSync(secret, 'from-file\n', { mode: 0o600 })
	const both = write(`export default { cataloguePassword: 'said', cataloguePasswordFile: 'secret' }`)
	assert.equal((await loadConfig({ path: both, environment: { CAIRN_CATALOGUE_PASSWORD: 'env' } })).cataloguePassword, 'env')
	assert.equal((await loadConfig({ path: both, environment: {} })).cataloguePassword, 'said')
	assert.equal((await load(`export default { cataloguePasswordFile: 'secret' }`)).cataloguePassword, 'from-file')
	const none = mkdtempSync(join(directory, 'none-'))
	await assert.rejects(load(`export default { cataloguePasswordFile: '${none}' }`), /^Error: \S+\.ts: cataloguePasswordFile: \S+none-\w+ cannot be read \(EISDIR\)$/)
})

test('a password that others may read is refused, and not shown', async () => {
	for (const said of ["{ cataloguePassword: 'hush' }", "{ catalogue: 'mysql://u:hush@h/d' }"]) {
		await assert.rejects(load(`export default ${said}`, 0o644), (error: UserError) => {
			assert.equal(error.exitCode, 3)
			assert.match(error.message, /mode 644.*chmod 600/)
			assert.doesNotMatch(error.message, /hush/)
			return true
		})
	}
})

test('a configuration below a package of another kind, importing cairn/config, is read', async () => {
	writeFileSync(join(directory, 'package.json'), '{ "type": "commonjs" }')
	const config = await load("import { defineConfig } from 'cairn/config'\nexport default defineConfig({ zone: 'here' as string })")
	assert.equal(config.zone, 'here')
})

test('a changed file is read again', async () => {
	const path = write("export default { zone: 'a' }")
	assert.deepEqual(await importConfig(path, '1'), { zone: 'a' })
	writeFileSync(path, "export default { zone: 'b' }")
	assert.deepEqual(await importConfig(path, '2'), { zone: 'b' })
})

test('config.example.ts has every option, with its default and a comment', async () => {
	const path = fileURLToPath(new URL('../../config.example.ts', import.meta.url))
	assert.deepEqual(await importConfig(path, 'example'), withDefaults({}))
	const lines = readFileSync(path, 'utf8').split('\n')
	assert.ok(lines.filter((line) => line.trim().startsWith('//')).length >= Object.keys(withDefaults({})).length)
})

for (const [thrown, said] of [["new Error('no key')", ':1: no key'], ["'no key'", ': no key'], ['null', ': null']]) {
	test(`a configuration that throws ${thrown} is named with what it threw`, async () => {
		const file = write(`throw ${thrown}`)
		await assert.rejects(loadConfig({ path: file, environment: {} }), { exitCode: 3, message: `${file}${said}` })
	})
}
