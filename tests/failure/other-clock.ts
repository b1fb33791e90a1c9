/**
 * Processes with a clock of their own: a library is put before the C library's and adds seconds to what it says of the time
 * of day. What a machine with a wrong clock would ask its database is not concerned.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const SOURCE = `
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead(void) {
	const char *seconds = getenv("CLOCK_AHEAD_SECONDS");
	return seconds ? atoll(seconds) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
	int result = syscall(SYS_clock_gettime, clock, time);
	if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += ahead();
	return result;
}

int gettimeofday(struct timeval *restrict value, void *restrict zone) {
	struct timespec time;
	clock_gettime(CLOCK_REALTIME, &time);
	value->tv_sec = time.tv_sec;
	value->tv_usec = time.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *seconds) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (seconds) *seconds = now.tv_sec;
	return now.tv_sec;
}
`

/** Runs what `body` starts with a clock that is so many seconds ahead, or behind. */
export type WithClock = <T>(seconds: number, body: () => Promise<T>) => Promise<T>

/** Compiled once for a test; only processes started at the beginning of the body have the other clock. */
export function otherClock(t: TestContext): WithClock {
	const folder = mkdtempSync(join(tmpdir(), 'cairn-clock-'))
	t.after(() => rmSync(folder, { recursive: true }))
	const library = join(folder, 'clock.so')
	writeFileSync(join(folder, 'clock.c'), SOURCE)
	execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, join(folder, 'clock.c')])
	return (seconds, body) => {
		Object.assign(process.env, { LD_PRELOAD: library, CLOCK_AHEAD_SECONDS: String(seconds) })
		try {
			return body()
		} finally {
			delete process.env['LD_PRELOAD']
			delete process.env['CLOCK_AHEAD_SECONDS']
		}
	}
}
