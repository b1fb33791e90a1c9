/** Whether the optional package can be had here. Where everything must be tested, its absence is a failure. */
import { it } from 'node:test'
import { loadLibrary } from '../../client/fuse-native/library.ts'

export const FUSE_NATIVE = ['--driver', 'fuse-native']

export const unavailable = whyUnavailable()

function whyUnavailable(): string | undefined {
	try {
		loadLibrary()
		return undefined
	} catch (error) {
		return (error as Error).message
	}
}

export function reportUnavailable(title: string): void {
	console.error(`NOT TESTED: ${title}: ${unavailable}`)
	it(title, (test) => {
		if (process.env.CI === 'true') throw new Error(unavailable)
		test.skip(unavailable)
	})
}
