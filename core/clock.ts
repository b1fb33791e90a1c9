/** The time of the machine, as two numbers that are exact in a double. */
import { libc } from './libc.ts'

export interface Time {
	s: number
	ns: number
}

const CLOCK_REALTIME = 0
const clockGettime = libc<[clock: number, time: Uint8Array]>('int clock_gettime(int clock, void *time)')
const buffer = Buffer.alloc(16)
const words = new Uint32Array(buffer.buffer, buffer.byteOffset, 4)

/** Nanoseconds matter: a file's times come from the disk below with that precision, and ctime must not run behind mtime. */
export function now(): Time {
	clockGettime(CLOCK_REALTIME, buffer)
	return { s: words[1] * 0x1_0000_0000 + words[0], ns: words[2] }
}

/** What ext4 has room for, 1901 to 2446. Where a disk could keep more, a copy of the file on another could not. */
const SECONDS_MIN = -(2 ** 31)
const SECONDS_MAX = 2 ** 34 - 2 ** 31 - 1

export function secondsWithin(seconds: number): number {
	return seconds > SECONDS_MAX ? SECONDS_MAX : seconds < SECONDS_MIN ? SECONDS_MIN : seconds
}

/** As the kernel does it with a time that a filesystem cannot keep: the last one it can. */
export function timeWithin(time: Time): Time {
	const s = secondsWithin(time.s)
	return s === time.s ? time : { s, ns: 0 }
}

export function isLater(a: Time, b: Time): boolean {
	return a.s > b.s || (a.s === b.s && a.ns > b.ns)
}

/** A moment by two clocks: one stands still while the machine sleeps, the other may be set. */
export interface Moment {
	wallMs: number
	runningMs: number
}

export function thisMoment(): Moment {
	return { wallMs: Date.now(), runningMs: performance.now() }
}

/** By the clock that says more. */
export function msSince({ wallMs, runningMs }: Moment): number {
	return Math.max(Date.now() - wallMs, performance.now() - runningMs)
}
