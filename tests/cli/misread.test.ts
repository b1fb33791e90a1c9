/** What the parser would take for something nobody means: said in one line, with code 2, before anything is done. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutDashes } from '../../cli/misread.ts'
import { cairn } from '../support/mount.ts'
import { makeWorkplace } from './workplace.ts'

const REFUSED: Array<[words: string[], answer: RegExp]> = [
	[['trim', '--dry-run=yes'], /--dry-run: found 'yes', allowed: true, false, or no value/],
	[['trim', '--dryRun=1'], /--dryRun: found '1'/],
	[['trim', '-q=3'], /-q: found '3'/],
	[['trash', 'empty', '--yes', '--older', ''], /--older needs a value/],
	[['trash', 'empty', '--yes', '--older='], /--older needs a value/],
	[['node', 'set', 'a', '--weight', ''], /--weight needs a value/],
	[['node', 'set', 'a', '--zone', 'x', '--zone', 'y'], /--zone is said twice/],
	[['node', 'set', 'a', '--no-zone'], /unknown: --no-zone/],
	[['node', 'set', 'a', '--zone.x', 'y'], /unknown: --zone\.x/],
	[['walk', '--node', 'a', '--node', 'a'], /--node is said twice/],
	[['walk', '-p', ''], /the path is empty/],
	[['verify', '-p', ''], /the path is empty/],
	[['node', 'add', 'b', ''], /path is empty/],
	[['up'], /up has its configuration in its directory/],
	[['node', 'set', 'a', '--path', ''], /path is empty/],
]

test('what makes no sense is refused', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	await place.cairn('node', 'add', 'a', place.makeDirectory('a'))
	for (const [words, answer] of REFUSED) {
		const { code, stderr } = await place.cairn(...words)
		assert.equal(code, 2, `${words}: ${stderr}`)
		assert.match(stderr, answer)
	}
	assert.match((await cairn(['up', ''])).stderr, /path is empty/)
	const emptyConfig = await place.cairn('status', '--config=')
	assert.equal(emptyConfig.code, 2, emptyConfig.stderr)
})

test('a flag may be told true or false', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	assert.match((await place.cairn('status', '--json=true')).stdout, /^\{/)
	assert.match((await place.cairn('status', '--json=false')).stdout, /^catalogue/)
})

test('after -- a word that begins with a dash is a path', () => {
	assert.deepEqual(withoutDashes(['why', '--json', '--', '-x', 'y', '-']), ['why', '--json', './-x', 'y', '-'])
	assert.deepEqual(withoutDashes(['why', '-x']), ['why', '-x'])
	assert.deepEqual(withoutDashes(['--', 'status']), ['status'])
})
