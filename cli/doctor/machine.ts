/** The machine: program, kernel, device, clock, limits. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { type Finding, found } from './finding.ts'

const NODE_MAJOR = 24
/** Directories are read without being opened from here on; passthrough came with the second. */
const KERNEL_MIN = [5, 1]
const KERNEL_PASSTHROUGH = [6, 9]
const OPEN_FILES_MIN = 65_536
const FUSE = '/dev/fuse'
/** Before the program was written. */
const YEAR_MIN = 2026

export function checkMachine(): Finding[] {
	return [checkNode(process.versions.node), ...checkKernel(release()), checkDevice(), checkClock(), checkOpenFiles(readFileSync('/proc/self/limits', 'latin1'))]
}

export function checkNode(version: string): Finding {
	const isNew = Number(version.split('.')[0]) >= NODE_MAJOR
	return found('Node.js', isNew ? 'well' : 'wrong', version, isNew ? undefined : `start it through ./cairn, which finds or fetches Node ${NODE_MAJOR}`)
}

export function checkKernel(version: string): Finding[] {
	const is = (least: number[]) => compare(version.split(/[.-]/).map(Number), least) >= 0
	if (!is(KERNEL_MIN)) return [found('kernel', 'wrong', version, 'Linux 5.1 or newer is needed for the driver fuse; mount.driver: \'fuse-native\' works with older ones')]
	if (is(KERNEL_PASSTHROUGH)) return [found('kernel', 'well', `${version}, with passthrough`)]
	return [found('kernel', 'doubtful', `${version}: no passthrough before Linux 6.9, so every byte passes through the mount's process`, 'a newer kernel reads and writes as fast as the disk')]
}

function compare(a: readonly number[], b: readonly number[]): number {
	return a[0] - b[0] || a[1] - b[1]
}

function checkDevice(): Finding {
	if (!existsSync(FUSE)) return found(FUSE, 'wrong', 'is not there', 'modprobe fuse; in a container: --device /dev/fuse --cap-add SYS_ADMIN')
	try {
		accessSync(FUSE, constants.R_OK | constants.W_OK)
		return found(FUSE, 'well', 'may be opened')
	} catch {
		return found(FUSE, 'wrong', 'may not be opened by this user', 'chmod 666 /dev/fuse, or run as root')
	}
}

function checkClock(): Finding {
	const year = new Date().getUTCFullYear()
	if (year < YEAR_MIN) return found('clock', 'wrong', `this machine says it is ${year}`, 'set the clock: times of files are taken from it')
	const isKept = existsSync('/run/systemd/timesync/synchronized') || existsSync('/run/chrony') || existsSync('/run/ntpd.pid') || existsSync('/var/lib/ntpsec')
	return isKept
		? found('clock', 'well', 'is kept by a time service')
		: found('clock', 'doubtful', 'no time service was seen', 'systemd-timesyncd or chrony keep the clocks of several machines together')
}

export function checkOpenFiles(limits: string): Finding {
	const [, soft, hard] = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(limits) ?? []
	const most = hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard)
	if (most >= OPEN_FILES_MIN) return found('open files', 'well', `${soft} now, up to ${hard}`)
	return found('open files', 'doubtful', `at most ${hard} at once`, `LimitNOFILE=${OPEN_FILES_MIN} in the unit, or ulimit -n ${OPEN_FILES_MIN}`)
}
