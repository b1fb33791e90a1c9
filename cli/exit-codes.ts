/** What each exit code means, as `cairn --help` shows it. */
import { EXIT } from '../core/exit-codes.ts'

export { EXIT }

const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
	ok: 'done',
	unexpected: 'something unexpected; $CAIRN_DEBUG=1 shows where',
	usage: 'unknown verb or option, or a value that makes no sense',
	configuration: 'the configuration is missing or wrong',
	unreachable: 'the catalogue cannot be reached',
	schema: 'the catalogue has an older or newer schema than this program, or none',
	identity: 'a directory is not the node it should be, or is another one',
	refused: 'the catalogue does not allow it: unknown, already there, or in use',
	runtime: 'Node or the dependencies could not be installed (said by the launcher)',
	noMountPoint: 'the mount point is missing or not a directory',
	notEmpty: 'the mount point is not empty',
	mounted: 'the mount point is already mounted',
	notStarted: 'the mount could not be started',
	notMounted: 'nothing is mounted there',
	busy: 'the mount is busy, or the catalogue in use',
	running: 'another `cairn up` runs on this directory',
	left: 'something was left undone and named; the next run tries again',
	dump: 'a dump is cut, damaged, or of a newer program',
	unwell: 'the doctor found something wrong',
}

export function exitCodeTable(): string {
	const rows = Object.entries(EXIT).map(([name, code]) => `  ${String(code).padStart(2)}  ${EXIT_MEANINGS[name as keyof typeof EXIT]}`)
	return `Exit codes:\n${rows.join('\n')}`
}
