/** Only the code of the verb that was typed is read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verbsFor } from '../../cli/verbs.ts'

async function commandsFor(...words: string[]): Promise<string[]> {
	const deps = { print() {}, warn() {}, environment: {}, directory: '/', uid: 0, gid: 0 }
	return (await verbsFor(words)).map((verb) => [verb(deps).command].flat()[0]?.split(' ')[0] ?? '')
}

test('a command line that begins with a verb needs that verb alone', async () => {
	assert.deepEqual(await commandsFor('walk', 'up', '--node', 'a'), ['walk'])
	assert.deepEqual(await commandsFor('class', 'list'), ['class'])
})

test('any other has all of them, each under the word it is typed by', async () => {
	const all = await commandsFor('--help')
	assert.ok(all.length > 15)
	for (const word of all) assert.deepEqual(await commandsFor(word), [word])
	for (const words of [[], ['wlak'], ['--config', 'c', 'walk'], ['unmount', '/m'], ['constructor']])
		assert.deepEqual(await commandsFor(...words), all)
})
