/** Killed at any point of a portion: no half file under its name, and the next run makes what is missing, once. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { installation, writeFile } from '../unit/installation.ts'
import { makeCopies } from './copying.ts'

const PROGRAM = join(import.meta.dirname, 'replicate-process.ts')
/** More than one portion has. */
const FILES = 600

for (const point of ['looked', 'copied', 'entered']) {
	test(`killed when files are ${point}`, { timeout: 60_000 }, async (t) => {
		const { start, node, rows, directory } = await installation(t, 2, [{ name: 'default', pattern: '', copies: 2 }])
		const { fs } = await start()
		const content = (file: number) => `content of file ${file}`
		for (let file = 0; file < FILES; file++) writeFile(fs, `f${file}`, content(file))
		await flushLater(fs)
		// Whichever had less room when they were written.
		const [{ node_id: own }] = rows('SELECT node_id FROM replica WHERE state = 2 GROUP BY node_id ORDER BY COUNT(*) DESC')
		const child = spawn(process.execPath, [PROGRAM, `sqlite:${join(directory, 'catalogue.db')}`, `${own}`, point], {
			stdio: ['ignore', 'pipe', 'inherit'],
		})
		await once(child.stdout, 'data')
		child.kill('SIGKILL')
		await once(child, 'exit')
		const there = () => disk.readdirSync(node(own)).filter((name) => name !== '.cairn')
		for (const name of there()) assert.equal(disk.readFileSync(node(own, name), 'utf8'), content(Number(name.slice(1))))
		assert.ok(there().length < FILES)

		const next = await start()
		const made = await makeCopies(next.fs, own)
		assert.deepEqual(made.troubles, [])
		await flushLater(next.fs)
		assert.equal(there().length, FILES)
		for (const name of there()) assert.equal(disk.readFileSync(node(own, name), 'utf8'), content(Number(name.slice(1))))
		await makeCopies(next.fs, own === 1 ? 2 : 1)
		await flushLater(next.fs)
		assert.equal(rows('SELECT * FROM replica WHERE state = 1 AND version = 1').length, 2 * FILES)
		assert.deepEqual([rows('SELECT * FROM intent'), disk.readdirSync(node(own, '.cairn/incoming'))], [[], []])
	})
}
