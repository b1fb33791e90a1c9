/** A process that puts a symlink where a directory is, and the directory back, again and again: `swap.ts DIRECTORY TARGET`. */
import { renameSync, symlinkSync, unlinkSync } from 'node:fs'

const [directory, target] = process.argv.slice(2) as [string, string]
const aside = `${directory}.aside`

/** Those who are at work there may have moved either of them. */
function attempt(step: () => void): void {
	try {
		step()
	} catch (error) {
		if (!/^(ENOENT|EEXIST|ENOTEMPTY|EISDIR|ENOTDIR)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error
	}
}

let swaps = 0
const timer = setInterval(() => {
	attempt(() => renameSync(directory, aside))
	attempt(() => symlinkSync(target, directory))
	process.send?.(++swaps)
	setImmediate(() => {
		attempt(() => unlinkSync(directory))
		attempt(() => renameSync(aside, directory))
	})
}, 2)

process.once('message', () => {
	clearInterval(timer)
	setImmediate(() => process.disconnect())
})
