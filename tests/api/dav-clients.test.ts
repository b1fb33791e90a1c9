/** What real clients make of the door: rclone, cadaver, and litmus, which is one to find fault with servers. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { command, scratch } from './command.ts'
import { openDoor, type TestDoor } from './door.ts'
import { knownToken } from './known-token.ts'

/** rclone as it is configured by its environment only. */
async function remoteOf(door: TestDoor): Promise<Record<string, string>> {
	return {
		RCLONE_CONFIG: '/dev/null',
		RCLONE_CONFIG_CAIRN_TYPE: 'webdav',
		RCLONE_CONFIG_CAIRN_URL: `${door.url}/dav/`,
		RCLONE_CONFIG_CAIRN_VENDOR: 'owncloud',
		RCLONE_CONFIG_CAIRN_BEARER_TOKEN: await knownToken(door, 'write'),
	}
}

test('rclone copies a thousand files both ways and finds them the same', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const folder = scratch(t)
	const [from, back] = [join(folder, 'from'), join(folder, 'back')]
	const odd = ['plus+sign', 'sp ace', 'per%cent', 'häß', '#hash', 'q?', "quote's", 'a=b&c', '[x]', 'semi;colon']
	for (let index = 0; index < 1_000; index++) {
		const place = join(from, `d${index % 10}`, `e${index % 7}`)
		mkdirSync(place, { recursive: true })
		writeFileSync(join(place, `${odd[index % odd.length]}-${index}`), Buffer.alloc((index * 37) % 5_000, index))
	}
	const env = await remoteOf(door)
	// One rclone waits 10 ms between any two requests, and makes three of them for a file: several share the work.
	const copy = (source: string, target: string) =>
		Promise.all(Array.from({ length: 10 }, (_, index) => command('rclone', ['copy', `${source}/d${index}`, `${target}/d${index}`], { env })))
	await copy(from, 'cairn:t')
	await command('rclone', ['check', from, 'cairn:t'], { env })
	await copy('cairn:t', back)
	await command('rclone', ['check', from, back], { env })
	assert.match(await command('rclone', ['sync', '-v', from, 'cairn:t'], { env }), /There was nothing to transfer/)
	await command('rclone', ['moveto', 'cairn:t/d1', 'cairn:t/moved'], { env })
	await command('rclone', ['purge', 'cairn:t/d2'], { env })
	const left = await command('rclone', ['lsf', '--dirs-only', 'cairn:t'], { env })
	assert.deepEqual(left.trim().split('\n'), ['d0/', 'd3/', 'd4/', 'd5/', 'd6/', 'd7/', 'd8/', 'd9/', 'moved/'])
	const some = join('t', 'd0', 'e0', `${odd[0]}-0`)
	assert.deepEqual(readFileSync(door.node(1, some)), Buffer.alloc(0), 'they lie there as plain files')
})

test('rclone copies, moves and reads names with a colon at the top', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const folder = scratch(t)
	writeFileSync(join(folder, '12:30.txt'), 'content')
	const env = await remoteOf(door)
	await command('rclone', ['copy', folder, 'cairn:'], { env })
	await command('rclone', ['moveto', 'cairn:12:30.txt', 'cairn:12:31.txt'], { env })
	assert.equal(await command('rclone', ['cat', 'cairn:12:31.txt'], { env }), 'content')
	assert.equal(readFileSync(door.node(1, '12:31.txt'), 'utf8'), 'content')
})

test('cadaver locks, edits and moves', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: [{ at: '127.0.0.1:0', anybody: 'write' }] })
	const folder = scratch(t)
	writeFileSync(join(folder, 'f'), 'content')
	const said = await command('cadaver', [`${door.url}/dav/`], {
		input: `mkcol c\ncd c\nput ${join(folder, 'f')} f\nlock f\ndiscover f\nunlock f\npropset f author me\npropget f author\ncopy f g\nmove g h\nls\nget h ${join(folder, 'got')}\ndelete f\nquit\n`,
		env: { HOME: folder },
	})
	for (const done of [/Locking `f': succeeded/, /Unlocking `f': succeeded/, /Value of author is: me/, /Moving .*succeeded/, /Deleting `f': succeeded/]) assert.match(said, done)
	assert.equal(readFileSync(join(folder, 'got'), 'utf8'), 'content')
	assert.equal(readFileSync(door.node(1, 'c/h'), 'utf8'), 'content')
})

test('litmus finds nothing', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const said = await command('litmus', ['-k', `${door.url}/dav/`, 'me', await knownToken(door, 'write')], { cwd: scratch(t) })
	assert.doesNotMatch(said, /FAIL|WARNING|SKIPPED/)
	assert.equal(said.match(/ 0 failed\. 100\.0%/g)?.length, 5)
})
