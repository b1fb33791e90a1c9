/** The portable driver: the same filesystem through libfuse 2, by way of the package fuse-native. */
import type { Driver } from '../driver.ts'
import { loadLibrary } from './library.ts'
import { mountWith } from './mounting.ts'

/** Fails when the package is not there, before anything is opened. */
export function fuseNative(): Driver {
	const library = loadLibrary()
	return { attach: (fs, options) => mountWith(library, fs, options) }
}
