/** Command lines that are read without the parser: it would read the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAndRun } from '../../cli/parser.ts'
import { readPlainly } from '../../cli/plain-words.ts'
import type { Deps } from '../../cli/verb.ts'
import { type AnyCommand, verbsFor } from '../../cli/verbs.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const LINES_PER_VERB = 150
const WORDS_MAX = 6
/** What people type that is not the name of an option. */
const PLACES = ['/a/b', 'x', '7', '1e3', '-1', 'true', 'false', '', '-', '--', '"quoted"', "'x'", 'a=b', '--no-json', '--json=false', '--config=c', '-q', '--help']

const deps = { environment: {}, directory: '/', uid: 0, gid: 0 } as Deps
const commands = (await verbsFor([])).map((verb) => verb(deps))

function nameOf({ command }: AnyCommand): string {
	return String([command].flat()[0]).split(' ')[0]
}

/** What yargs hands to the verb; undefined where it refuses. */
async function parsed(command: AnyCommand, words: readonly string[]): Promise<Record<string, unknown> | undefined> {
	let read: Record<string, unknown> | undefined
	const handler = (options: object) => {
		read = { ...options }
	}
	await parseAndRun([{ ...command, handler } as AnyCommand], words).catch(() => undefined)
	return read
}

/** Without what yargs says of itself, of what was not typed, and by other names. */
function comparable(read: Record<string, unknown>, names: ReadonlySet<string>): object {
	return Object.fromEntries(Object.entries(read).filter(([name, value]) => value !== undefined && names.has(name)))
}

/** Of what its help would show: each `--name`. */
function optionsOf(command: AnyCommand): string[] {
	const names: string[] = ['config']
	const recorder: unknown = new Proxy({}, {
		get: (_, method) => (name: unknown) => {
			if (method === 'option') names.push(String(name))
			return recorder
		},
	})
	if (typeof command.builder === 'function') command.builder(recorder as never)
	return names
}

const seed = seedOfRun()

for (const command of commands) {
	test(`${nameOf(command)}: ${LINES_PER_VERB} lines (CAIRN_TEST_SEED=${seed})`, async () => {
		const random = randomFrom(seed)
		const options = optionsOf(command)
		for (let line = 0; line < LINES_PER_VERB; line++) {
			const words = [nameOf(command)]
			for (let count = random.below(WORDS_MAX); count > 0; count--) {
				words.push(random.chance(0.5) ? `--${random.pick(options)}` : random.pick(PLACES))
			}
			if (words.includes('--help')) {
				assert.equal(readPlainly(command, words), undefined)
				continue
			}
			const plainly = readPlainly(command, words)
			if (!plainly) continue
			const byParser = await parsed(command, words)
			assert.ok(byParser, `refused: ${JSON.stringify(words)}`)
			const names = new Set([...Object.keys(plainly), ...options])
			assert.deepEqual(comparable(plainly, names), comparable(byParser, names), JSON.stringify(words))
		}
	})
}

test('what scripts ask many times is read so', () => {
	const read = (...words: string[]) => readPlainly(commands.find((command) => nameOf(command) === words[0]) as AnyCommand, words)
	assert.deepEqual(read('why', '/a/b'), { path: '/a/b', json: false })
	assert.deepEqual(read('why', '--json', 'x', '--config', 'c.ts'), { path: 'x', json: true, config: 'c.ts' })
	assert.deepEqual(read('status', '--json'), { json: true })
	assert.ok(read('find', '--larger', '10M'))
	assert.ok(read('du'))
	assert.equal(read('why'), undefined)
	assert.equal(read('why', 'a', 'b'), undefined)
	assert.equal(read('why', 'a', '--jso'), undefined)
	assert.equal(read('status', '--json', 'false'), undefined)
	assert.equal(read('node', 'list'), undefined)
})
