/** What a POSIX case is: a name and a function that takes an empty directory of its own and throws when something is wrong. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'

export type Case = (dir: string) => void | Promise<void>
export type Cases = Record<string, Case>

/** The call must fail, with this errno. */
export function fails(code: string, call: () => unknown): void {
	let answer: unknown
	try {
		answer = call()
	} catch (error) {
		assert.equal((error as NodeJS.ErrnoException).code, code, `${(error as Error).message}, expected ${code}`)
		return
	}
	assert.fail(`expected ${code}, got ${String(answer)}`)
}

/** One attribute, and the kernel is not asked for another: where that is out of date, it may think that this one is not. */
export function statOnly(path: string, format: string): string {
	return execFileSync('stat', ['-c', format, path], { encoding: 'utf8' }).trim()
}

/** Bytes that show where they belong, so that a shifted or stale block is seen. */
export function pattern(length: number, seed = 1): Buffer {
	const data = Buffer.alloc(length)
	for (let at = 0; at < length; at++) data[at] = (at * 31 + (at >> 8) * 7 + seed * 101) & 0xff
	return data
}
