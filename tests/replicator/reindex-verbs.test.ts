/** The verbs around a lost catalogue, from the command line itself. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { dumpInto } from '../../cli/dump.ts'
import { EXIT } from '../../cli/exit-codes.ts'
import { run as reindex } from '../../cli/reindex.ts'
import { fillLockPath, takeLock } from '../../cli/run-lock.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { config } from '../catalogue/engines.ts'
import { startMariadb } from '../support/mariadb.ts'
import { makeWorkplace, type Workplace } from '../cli/workplace.ts'

const CONFIGURATION = "{ classes: [{ name: 'two', pattern: '', copies: 2 }] }"

/** Two nodes, and files that were put onto one of them by hand. */
async function withFiles(t: TestContext): Promise<Workplace> {
	const place = makeWorkplace(t, CONFIGURATION)
	await done(place, 'init')
	for (const name of ['a', 'b']) await done(place, 'node', 'add', name, place.makeDirectory(name), '--zone', `zone-${name}`)
	mkdirSync(join(place.directory, 'a/photos'))
	for (const name of ['one', 'two', '-rf ü']) writeFileSync(join(place.directory, 'a/photos', name), `this is ${name}`)
	await done(place, 'walk', '-q')
	return place
}

async function done(place: Workplace, ...words: string[]): Promise<string> {
	const { code, stdout, stderr } = await place.cairn(...words)
	assert.equal(code, EXIT.ok, `${words.join(' ')}: ${stderr}`)
	return stdout
}

function lose({ catalogue }: Workplace): void {
	for (const end of ['', '-wal', '-shm']) rmSync(`${catalogue}${end}`, { force: true })
}

/** Rows of the tree, by a dump; without what changes from run to run. */
async function treeOf(place: Workplace, catalogue = place.catalogue): Promise<string[]> {
	const driver = await openCatalogue(config(catalogue))
	const file = join(place.directory, 'tree')
	await dumpInto(driver, file)
	await driver.close()
	const lines = gunzipSync(readFileSync(file)).toString().split('\n').slice(1, -2)
	const [from, to] = ['{"table":"class"', '{"table":"writer"'].map((start) => lines.findIndex((line) => line.startsWith(start)))
	return lines.slice(from, to)
}

test('a catalogue that is deleted is there again after one command', async (t) => {
	const place = await withFiles(t)
	await done(place, 'replicate', '-q')
	await done(place, 'manifest', '-q')
	const before = await treeOf(place)
	const listed = await done(place, 'node', 'list', '--json')
	assert.ok(before.length > 12)
	lose(place)
	const dry = await done(place, 'reindex', '--node', `a=${join(place.directory, 'a')}`, '--dry-run')
	assert.match(dry, /nodes: a \(.*\), b \(/)
	assert.match(dry, /^tokens and sites are not made anew: /m)
	assert.equal(existsSync(place.catalogue), false)
	await done(place, 'reindex', '--node', `a=${join(place.directory, 'a')}`)
	assert.deepEqual(await treeOf(place), before)
	const known = (text: string) => (JSON.parse(text) as Array<Record<string, unknown>>).map(({ id, name, zone, path, uuid }) => ({ id, name, zone, path, uuid }))
	assert.deepEqual(known(await done(place, 'node', 'list', '--json')), known(listed))

	const refused = await place.cairn('reindex', '--node', `a=${join(place.directory, 'a')}`)
	assert.equal(refused.code, EXIT.refused)
	assert.match(refused.stderr, /--replace .* cut off .*`cairn walk` does the rest/)
	await done(place, 'reindex', '--replace', '--node', `a=${join(place.directory, 'a')}`)
	assert.deepEqual(await treeOf(place), before)
})

test('cut off before what was written last is known: nobody is let in, and it is run again', async (t) => {
	const place = await withFiles(t)
	await done(place, 'replicate', '-q')
	await done(place, 'manifest', '-q')
	lose(place)
	const file = join(place.directory, 'a/photos/one')
	writeFileSync(file, 'a newer content')
	const node = `a=${join(place.directory, 'a')}`
	const options = { config: place.config, node: [node], from: [], replace: false, dryRun: false, json: false, quiet: false }
	const print = (line: string) => {
		if (/filled/.test(line)) throw new Error('cut off')
	}
	const deps = { print, warn: () => undefined, environment: process.env, directory: place.directory, uid: 0, gid: 0 }
	await assert.rejects(reindex(options, deps), /cut off/)
	for (const verb of [['replicate'], ['mount', place.makeDirectory('mp'), '-f'], ['verify']]) {
		const refused = await place.cairn(...verb)
		assert.equal(refused.code, EXIT.schema, `${verb}`)
		assert.match(refused.stderr, /ended half-way: run it again/)
	}
	assert.match(await done(place, 'reindex', '--node', node), /reindex: .*1 newer/)
	await done(place, 'replicate', '-q')
	assert.equal(readFileSync(join(place.directory, 'b/photos/one'), 'utf8'), 'a newer content')
	assert.equal(readFileSync(file, 'utf8'), 'a newer content')
})

test('one at a time fills a catalogue', async (t) => {
	const place = await withFiles(t)
	await done(place, 'manifest', '-q')
	const dump = join(place.directory, 'dump')
	await done(place, 'dump', dump)
	lose(place)
	const lock = takeLock(fillLockPath(place.catalogue, process.env))
	const node = `a=${join(place.directory, 'a')}`
	for (const words of [['reindex', '--node', node], ['load', dump]]) {
		const refused = await place.cairn(...words)
		assert.equal(refused.code, EXIT.busy, words[0])
		assert.match(refused.stderr, new RegExp(`being filled by another load or reindex, process ${process.pid}: wait for its end`))
	}
	lock?.release()
	await done(place, 'reindex', '--node', node)
	assert.equal((await place.cairn('load', dump)).code, EXIT.refused)
})

test('one at a time fills a catalogue of several machines', async (t) => {
	const place = await withFiles(t)
	const dump = join(place.directory, 'dump')
	await done(place, 'dump', dump)
	const address = await (await startMariadb()).freshDatabase('filled_at_once')
	writeFileSync(place.config, `export default ${CONFIGURATION.replace('{', `{ catalogue: '${address}',`)}\n`)
	const elsewhere = await openCatalogue(config(address))
	const claim = await elsewhere.claim()
	const node = `a=${join(place.directory, 'a')}`
	for (const words of [['reindex', '--node', node], ['load', dump]]) {
		const refused = await place.cairn(...words)
		assert.equal(refused.code, EXIT.busy, words[0])
		assert.match(refused.stderr, /being filled by another load or reindex, on another machine: wait for its end/)
	}
	await claim?.release()
	await done(place, 'load', dump)
	const again = await elsewhere.claim()
	assert.ok(again)
	await again.release()
	await elsewhere.close()
})

test('what cannot be used is named and the rest goes on', async (t) => {
	const place = await withFiles(t)
	await done(place, 'manifest', '-q')
	lose(place)
	const none = await place.cairn('reindex', '--node', `x=${join(place.directory, 'nowhere')}`)
	assert.equal(none.code, EXIT.refused)
	assert.equal((await place.cairn('reindex', '--node', 'a')).code, EXIT.usage)
	renameSync(join(place.directory, 'b'), join(place.directory, 'b-away'))
	const said = await place.cairn('reindex', '--node', `a=${join(place.directory, 'a')}`, '--node', `c=${place.makeDirectory('c')}`)
	assert.match(said.stderr, /c: no identity file/)
	assert.equal(said.code, EXIT.ok, said.stderr)
	const nodes = JSON.parse(await done(place, 'node', 'list', '--json')) as Array<{ name: string }>
	assert.deepEqual(nodes.map(({ name }) => name), ['a', 'b'])
})

test('a catalogue moves to MariaDB and back, and nothing is put in the place of a tree unasked', async (t) => {
	const place = await withFiles(t)
	const before = await treeOf(place)
	const dump = join(place.directory, 'moving')
	assert.match(await done(place, 'dump', dump), /5 files and directories, 2 nodes/)
	const server = await startMariadb()
	const address = await server.freshDatabase('moved')
	writeFileSync(place.config, `export default { catalogue: ${JSON.stringify(address)} }\n`)
	await done(place, 'load', dump, '-q')
	assert.deepEqual(await treeOf(place, address), before)
	const refused = await place.cairn('load', dump)
	assert.equal(refused.code, EXIT.refused)
	assert.match(refused.stderr, /--replace keeps a dump of them and puts this in their place$/m)
	await done(place, 'load', dump, '-q', '--replace')
	const kept = readdirSync(place.directory).filter((name) => name.startsWith('replaced-'))
	assert.equal(kept.length, 1)
	assert.deepEqual(await treeOf(place, address), before)
	await done(place, 'dump', '-q', join(place.directory, 'back'))

	await done(place, 'manifest', '-q')
	const anew = await server.freshDatabase('anew')
	writeFileSync(place.config, `export default { catalogue: ${JSON.stringify(anew)} }\n`)
	await done(place, 'reindex', '-q', '--node', `a=${join(place.directory, 'a')}`)
	assert.deepEqual(await treeOf(place, anew), before)
	const back = join(place.directory, 'back.db')
	writeFileSync(place.config, "export default { catalogue: 'back.db' }\n")
	await done(place, 'load', '-q', join(place.directory, 'back'))
	assert.deepEqual(await treeOf(place, back), before)

	writeFileSync(dump, readFileSync(dump).subarray(0, 100))
	const cut = await place.cairn('load', '--replace', dump)
	assert.equal(cut.code, EXIT.dump)
	assert.match(cut.stderr, /cut/)
	assert.equal(cut.stderr.trimEnd().split('\n').length, 1)
	assert.deepEqual(await treeOf(place, back), before)
})
