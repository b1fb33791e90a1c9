import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMountOptions } from '../../cli/mount-options.ts'
import type { UserError } from '../../core/errors.ts'

test('nothing said: read and write', () => {
	assert.deepEqual(parseMountOptions([]), { readOnly: false, kernelOptions: [] })
})

test('the last of ro and rw holds, lists add up', () => {
	assert.equal(parseMountOptions(['ro', 'rw']).readOnly, false)
	assert.equal(parseMountOptions(['rw,ro']).readOnly, true)
})

test('the last of two opposites holds', () => {
	assert.deepEqual(parseMountOptions(['noexec,nosuid,nodev,exec,noatime,sync']).kernelOptions, ['nosuid', 'nodev', 'exec', 'noatime', 'sync'])
	assert.deepEqual(parseMountOptions(['exec,noexec', 'sync,async,atime']).kernelOptions, ['noexec', 'async', 'atime'])
})

test('words with values', () => {
	const words = parseMountOptions(['config=/a=b.ts,io=carried,driver=fuse-native,fsname=photos,allow_other,noatime'])
	assert.deepEqual(words, {
		readOnly: false,
		kernelOptions: ['noatime'],
		config: '/a=b.ts',
		io: 'carried',
		driver: 'fuse-native',
		fsname: 'photos',
		allowOther: true,
	})
})

test('the trash: days, as many as are usual, none', () => {
	assert.equal(parseMountOptions(['trash=7']).trashDays, 7)
	assert.equal(parseMountOptions(['trash']).trashDays, 30)
	assert.equal(parseMountOptions(['trash,notrash']).trashDays, 0)
})

test('words of fstab mean nothing here', () => {
	const words = parseMountOptions(['defaults,auto,noauto,user,_netdev,nofail,x-systemd.automount,x-systemd.requires=a,comment=b,default_permissions'])
	assert.deepEqual(words, { readOnly: false, kernelOptions: [] })
})

const WRONG: Array<[string, string]> = [
	['noatim', "unknown mount option 'noatim'; the nearest is 'noatime'"],
	['qqqqqqqqqqqqqqqq', "unknown mount option 'qqqqqqqqqqqqqqqq'"],
	['ro=1', "unknown mount option 'ro=1'; the nearest is 'ro'"],
	['constructor', "unknown mount option 'constructor'"],
	['io=fast', "mount option io: found 'fast', allowed: auto, passthrough, carried"],
	['trash=0', "mount option trash: found '0', allowed: a number of days"],
	['trash=x', "mount option trash: found 'x'"],
	['config=', 'mount option config= needs a value'],
]

for (const [word, answer] of WRONG) {
	test(`-o ${word}: ${answer}`, () => {
		assert.throws(() => parseMountOptions([word]), (error: UserError) => {
			assert.equal(error.exitCode, 2)
			assert.ok(error.message.startsWith(answer), error.message)
			return true
		})
	})
}
