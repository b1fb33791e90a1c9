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
const FILES = 300

for (const point of ['looked', 'copied', 'entered']) {
	test(`killed when files are ${point}`, { timeout: 60_000 }, async (t) => {
		const { start, node, rows, directory } = await installation(t, 2, [{ name: 'default', pattern: '', copies: 2 }])
		const { fs } = await start()
		const content = (file: number) => `content of file ${file}`
		for (let file = 0; file < FILES; file++) writeFile(fs, `f${file}`, content(file))
		await flushLater(fs)
		const child = spawn(process.execPath, [PROGRAM, `sqlite:${join(directory, 'catalogue.db')}`, '2', point], {
			stdio: ['ignore', 'pipe', 'inherit'],
		})
		await once(child.stdout, 'data')
		child.kill('SIGKILL')
		await once(child, 'exit')
		const there = () => disk.readdirSync(node(2)).filter((name) => name !== '.cairn')
		for (const name of there()) assert.equal(disk.readFileSync(node(2, name), 'utf8'), content(Number(name.slice(1))))
		assert.ok(there().length < FILES)

		const next = await start()
		const made = await makeCopies(next.fs, 2)
		assert.deepEqual(made.troubles, [])
		await flushLater(next.fs)
		assert.equal(there().length, FILES)
		for (const name of there()) assert.equal(disk.readFileSync(node(2, name), 'utf8'), content(Number(name.slice(1))))
		assert.equal(rows('SELECT * FROM replica WHERE state = 1 AND version = 1').length, 2 * FILES)
		assert.deepEqual([rows('SELECT * FROM intent'), disk.readdirSync(node(2, '.cairn/incoming'))], [[], []])
	})
}
