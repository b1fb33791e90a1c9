/** A verb that is told to end when one node is done and the next has not begun. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXIT } from '../../cli/exit-codes.ts'
import { runJobs } from '../../cli/job.ts'
import type { Deps } from '../../cli/verb.ts'
import { walk } from '../../replicator/walk/walk.ts'
import { makeWorkplace } from './workplace.ts'

test('it ends with the code of what was left', async (t) => {
	const place = makeWorkplace(t)
	assert.equal((await place.cairn('init')).code, EXIT.ok)
	for (const name of ['one', 'two']) assert.equal((await place.cairn('node', 'add', name, place.makeDirectory(name))).code, EXIT.ok)
	const lines: string[] = []
	const print = (line: string) => {
		lines.push(line)
		process.emit('SIGTERM')
	}
	const deps: Deps = { print, warn: assert.fail, environment: {}, directory: process.cwd(), uid: 0, gid: 0 }
	const { exitCode } = process
	try {
		await runJobs({ config: place.config, json: false, quiet: false }, deps, walk())
		assert.equal(process.exitCode, EXIT.left)
	} finally {
		process.exitCode = exitCode
	}
	assert.equal(lines.length, 1, lines.join('\n'))
	assert.match(lines[0], /^walk one: /)
})
