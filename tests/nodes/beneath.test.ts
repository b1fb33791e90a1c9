/** The walk that stands in for openat2(2) gives what openat2 gives. */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { codeOf } from '../../core/errors.ts'
import { OPEN_DIRECTORY, openBeneath, walk } from '../../core/nodes/beneath.ts'

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = fs.constants
const scratch = fs.mkdtempSync(join(tmpdir(), 'cairn-beneath-'))
after(() => fs.rmSync(scratch, { recursive: true }))

fs.mkdirSync(join(scratch, 'a/b'), { recursive: true })
fs.writeFileSync(join(scratch, 'a/b/f'), '')
fs.symlinkSync('b', join(scratch, 'a/link'))
fs.symlinkSync('f', join(scratch, 'a/b/l'))

function outcome(open: () => number): string {
	try {
		const fd = open()
		try {
			return fs.readlinkSync(`/proc/self/fd/${fd}`)
		} finally {
			fs.closeSync(fd)
		}
	} catch (error) {
		return codeOf(error)
	}
}

const cases: [path: string, flags: number][] = [
	['', OPEN_DIRECTORY],
	['a/b', OPEN_DIRECTORY],
	['a/link', OPEN_DIRECTORY],
	['a/b/f', O_RDONLY],
	['a/b/f', OPEN_DIRECTORY],
	['a/b/f/g', O_RDONLY],
	['a/b/l', O_RDONLY],
	['a/link/f', O_RDONLY],
	['a/missing/f', O_RDONLY],
	['a/b/f', O_CREAT | O_EXCL | O_RDWR],
	['a/b/l', O_CREAT | O_EXCL | O_RDWR],
	['../x', O_RDONLY],
]

for (const [path, flags] of cases) {
	test(`'${path}' with flags ${flags.toString(8)}`, () => {
		const root = fs.openSync(scratch, O_RDONLY)
		const bytes = Buffer.from(path)
		const mode = flags & O_CREAT ? 0o600 : 0
		const walked = outcome(() => walk(root, bytes, 0, bytes.length, flags, mode))
		const opened = outcome(() => openBeneath(root, bytes, bytes.length, flags, mode))
		fs.closeSync(root)
		assert.equal(walked, opened)
	})
}
