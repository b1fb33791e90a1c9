/** Names of the archive as each system can have them, and back: nothing is lost, nothing is mistaken, nothing leads elsewhere. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadPath, namesOf } from '../../backup/names/archive-path.ts'
import { archiveName, escapedName, plainName } from '../../backup/names/local-names.ts'
import type { Platform } from '../../backup/names/platform.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const PLATFORMS: Platform[] = ['linux', 'darwin', 'hfs', 'win32']

const ODD = [
	'a', 'A', 'a ', 'a.', 'a. .', 'con', 'CON', 'Con.txt', 'con .txt', 'com1', 'COM\u00b9', 'lpt9.x', 'conin$', 'nul', 'aux.h', 'console', 'com', 'com10',
	'..\\..\\x', 'C:', 'C:\\x', 'a:b', 'a<b>c"d|e?f*g', '\u0001', '\n', '%', '%4', '%41', '%4a', '%%41', '%2541', '100%', 'PROGRA~1', 'x~', '~1', '~a',
	'.cairn-backup', '.CAIRN-backup', '.cairn-backup.', '.cairn\u200c-backup', '.cairn-bac\u212ap', '%.cairn-backup', '%%.cairn-backup', '.cairn-backup2',
	'\u00e9', 'e\u0301', '\ufb01', '\u017f', 's', '\u00df', 'ss', '\ud83d\udc0e', '\ud83d\udc04', '-rf', "it's", '...', '.hidden', '\ufeffx',
].map((text) => Buffer.from(text))
const BYTES = [[0xff, 0x61], [0xc3], [0xed, 0xa0, 0x80], [0xc3, 0xa9, 0xff], [0x80]].map((bytes) => Buffer.from(bytes))

function randomNames(): Buffer[] {
	const seed = seedOfRun()
	console.log(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	const alphabet = [...'aA%419~.: \\é', '\u0301', '\u200c', '\ud83d\udc0e']
	const text = () => Buffer.from(Array.from({ length: 1 + random.below(8) }, () => random.pick(alphabet)).join(''))
	const bytes = () => Buffer.from(Array.from({ length: 1 + random.below(6) }, () => random.pick([0x25, 0x34, 0x31, 0xff, 0xc3, 0xa9, 0x7e])))
	return Array.from({ length: 20_000 }, () => (random.chance(0.7) ? text() : bytes()))
}

const NAMES = [...ODD, ...BYTES, ...randomNames()]

for (const platform of PLATFORMS) {
	test(`${platform}: there and back`, () => {
		for (const name of NAMES) {
			assert.deepEqual(archiveName(plainName(name, platform), platform), name, name.toString('latin1'))
			assert.deepEqual(archiveName(escapedName(name, platform), platform), name, name.toString('latin1'))
		}
	})
}

for (const platform of ['darwin', 'hfs', 'win32'] as const) {
	test(`${platform}: no two names are one in their second form, and none is another's first`, () => {
		const merged = (name: Buffer) => name.toString().normalize('NFKC').toUpperCase().toLowerCase()
		const all = [...new Map(NAMES.map((name) => [name.toString('latin1'), name])).values()]
		const seconds = new Map(all.map((name) => [merged(escapedName(name, platform)), name]))
		assert.equal(seconds.size, all.length)
		for (const name of all) {
			const owner = seconds.get(merged(plainName(name, platform)))
			if (owner && !owner.equals(name)) assert.ok(plainName(name, platform).includes('%'), `${name} takes the place of ${owner}`)
		}
	})
}

test('what Windows cannot have, or takes for something else, is written otherwise', () => {
	const windows = (name: string) => plainName(Buffer.from(name), 'win32').toString()
	assert.deepEqual(
		['con', 'CON.txt', 'con .x', 'COM\u00b9', 'a.', 'a ', '..\\x', 'C:x', 'PROGRA~1', '.Cairn-Backup', '%41', 'a\u0001', 'console', 'a~b', '50%'].map(windows),
		['%63on', '%43ON.txt', '%63on .x', '%43OM\u00b9', 'a%2E', 'a%20', '..%5Cx', 'C%3Ax', 'PROGRA%7E1', '%2ECairn-Backup', '%2541', 'a%01', 'console', 'a~b', '50%'],
	)
	for (const name of NAMES) assert.doesNotMatch(windows(name.toString()), /[<>:"/\\|?*]|[. ]$|^(con|nul|aux|prn)(\.|$)/i)
})

test('the agent\'s own directory is never the name of a file of the archive', () => {
	for (const platform of PLATFORMS) {
		for (const name of NAMES) {
			for (const form of [plainName(name, platform), escapedName(name, platform)]) {
				const seen = platform === 'linux' ? form.toString('latin1') : form.toString().replace(/[\u200c-\u200f\ufeff]/g, '').normalize('NFKC').toUpperCase().toLowerCase()
				assert.notEqual(seen.replace(/[. ]+$/, platform === 'linux' ? '$&' : ''), '.cairn-backup', name.toString())
			}
		}
	}
})

test('a path is names, or refused', () => {
	assert.deepEqual(namesOf(Buffer.from('a/b c/\u00e9'), 'linux').map(String), ['a', 'b c', '\u00e9'])
	const bad = ['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/../b', 'a/.', 'a\0b', 'x'.repeat(256), 'a/'.repeat(600) + 'b', 'a/'.repeat(9_000)]
	for (const path of bad) for (const platform of PLATFORMS) assert.throws(() => namesOf(Buffer.from(path), platform), BadPath, path.slice(0, 40))
	assert.equal(namesOf(Buffer.from(':'.repeat(255)), 'linux').length, 1)
	assert.throws(() => namesOf(Buffer.from(':'.repeat(255)), 'win32'), /too long for this system/)
})
