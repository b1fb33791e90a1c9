/** More connections than a process may have open: whoever is being served goes on, and files are read and written. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ANYBODY } from './dialects.ts'
import { openDoor } from './door.ts'
import { plainConnection } from './plain-connection.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const OPEN_FILES = 160

test('connections that only stay take no file from those that are used', async (t) => {
	const { config, directory } = await openDoor(t, { nodes: 1 })
	const file = join(directory, 'config.ts')
	writeFileSync(file, `export default ${JSON.stringify({ ...config, api: { ...config.api, listen: ANYBODY } })}\n`)
	const door = spawn('prlimit', [`--nofile=${OPEN_FILES}`, process.execPath, '--disable-warning=ExperimentalWarning', MAIN, 'api', '--config', file], { stdio: ['ignore', 'pipe', 'inherit'] })
	t.after(() => door.kill('SIGKILL'))
	const [line] = (await once(createInterface({ input: door.stdout }), 'line')) as [string]
	const url = line.replace('ready: ', '')
	const used = await plainConnection(url)
	t.after(() => used.socket.destroy())
	assert.equal((await used.ask('/files/f', { method: 'PUT', body: 'content' })).status, 201)
	const { hostname, port } = new URL(url)
	const idle = Array.from({ length: 2 * OPEN_FILES }, () => connect(Number(port), hostname).on('error', () => undefined))
	t.after(() => {
		for (const socket of idle) socket.destroy()
	})
	const settled = idle.map((socket) => Promise.race([once(socket, 'close'), once(socket, 'connect').catch(() => undefined)]))
	await Promise.all(settled)
	for (let time = 0; time < 3; time++) {
		assert.equal((await used.ask(`/files/f${time}`, { method: 'PUT', body: 'content' })).status, 201)
		assert.equal((await used.ask(`/files/f${time}?dl`)).body.toString(), 'content')
	}
})
