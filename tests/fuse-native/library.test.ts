import assert from 'node:assert/strict'
import { it } from 'node:test'
import { EXIT } from '../../cli/exit-codes.ts'
import { loadLibrary } from '../../client/fuse-native/library.ts'
import { UserError } from '../../core/errors.ts'

const REASONS: Record<string, { error: Error; says: RegExp }> = {
	'the package is missing': {
		error: Object.assign(new Error("Cannot find module 'fuse-native'"), { code: 'MODULE_NOT_FOUND' }),
		says: /not installed: npm install fuse-native/,
	},
	'libfuse 2 is missing': {
		error: new Error('libfuse.so.2: cannot open shared object file: No such file or directory'),
		says: /apt-get install libfuse2/,
	},
	'there is no build for this machine': {
		error: new Error('No native build was found for platform=linux arch=arm64\n    loaded from: /somewhere'),
		says: /does not load here: No native build was found for platform=linux arch=arm64 \(/,
	},
}

for (const [reason, { error, says }] of Object.entries(REASONS)) {
	it(`${reason}: one line that says what to do`, () => {
		const load = () => {
			throw error
		}
		assert.throws(() => loadLibrary(load), (thrown) => {
			assert.ok(thrown instanceof UserError)
			assert.equal(thrown.exitCode, EXIT.notStarted)
			assert.match(thrown.message, says)
			assert.doesNotMatch(thrown.message, /\n/)
			return true
		})
	})
}
