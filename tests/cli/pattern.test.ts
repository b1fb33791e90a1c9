/** `cairn find --name`: what fits, as shells have it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { pattern } from '../../cli/pattern.ts'

const NAMES = ['a', 'ab', 'A', 'é', 'café3', '3', '*', '**', '?', '[a]', '[', ']', ']x', '-', '\\', '\\back', 'x\ny', '^', '!', ' ', 'a-z', 'a.b', '{}', '$(x)', '日本']

test('what fits is what fits in a shell', () => {
	const globs = [
		'*', '?', '??', 'caf?3', '[a-z]', '[!a-z]', '[^a]*', '[z-a]', '[]]*', '[!]]', '[]a]', '[[]*', '[a', '[', '[]', '[!]', '\\**', '\\\\*', '\\?', '[\\]]*', '[\\!a]', '[a\\-z]', '[-a]', '[a-]',
		'[[:digit:]]', '*[[:digit:]]', '[[:alpha:]3]', '[![:alpha:]]', '[[:upper:]]', '[[:punct:]]', '[[:space:]]', '[é日]*', '日?', '[$]*', '{}', 'a.b', 'a?b', 'x*y', '.*', '\\a',
	]
	const shell = 'g=$1; shift; for n do case $n in $g) printf "%s/" "$n";; esac; done'
	for (const glob of globs) {
		const inShell = execFileSync('bash', ['-c', shell, 'bash', glob, ...NAMES], { env: { ...process.env, LC_ALL: 'C.UTF-8' }, encoding: 'utf8' })
		assert.deepEqual(NAMES.filter((name) => pattern(glob)(Buffer.from(name))), inShell.split('/').slice(0, -1), glob)
	}
})

test('names that are no text fit byte by byte', () => {
	const name = Buffer.from([0x61, 0xff, 0xfe])
	assert.deepEqual(['a*', 'a??', 'a?', '*ÿ*', '[!a]*'].map((glob) => pattern(glob)(name)), [true, true, false, true, false])
})
