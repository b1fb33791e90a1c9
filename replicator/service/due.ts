/**
 * When a schedule is due: next, and when it was last. In the time of this machine, as cron has it. It is looked for on the clock on the wall,
 * where an hour that summer leaves out is one as well: what was due in it is due after it.
 */
import { createTask, parse, type ScheduledTask, validateDetailed } from 'node-cron'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Only a 29th of February on some weekday is further away. */
const BACK_MS_MAX = 366 * 8 * DAY_MS

/** Undefined when it says something, else what is wrong with it. */
export function wrongWith(expression: string): string | undefined {
	const { valid, errors } = validateDetailed(expression)
	return valid ? undefined : errors.map((error) => error.message).join(', ')
}

export interface Schedule {
	/** Whether it was due since it was asked last, however often: the machine may have slept, or its clock been set. */
	isDue(): boolean
}

/** The hour that comes twice when summer ends is one for what names hours, and two for what goes on all day. */
export function openSchedule(expression: string, now: () => Date = () => new Date()): Schedule {
	const asked = askedOf(expression)
	const isAllDay = asked.hours.length === 24
	let seen = now()
	let wallMs = wallOf(seen)
	return {
		isDue() {
			const here = now()
			const hereMs = wallOf(here)
			if (here < seen) wallMs = hereMs
			else if (isAllDay) wallMs = wallOf(seen, here)
			seen = here
			const due = search(asked, { fromMs: wallMs, toMs: hereMs })
			wallMs = Math.max(wallMs, hereMs)
			return due !== undefined
		},
	}
}

export function nextDue(expression: string): Date {
	const task = createTask(expression, () => undefined)
	try {
		return task.getNextRuns(1)[0]
	} finally {
		void task.destroy()
	}
}

/** The last time at or before `now` that it was due. */
export function previousDue(expression: string, now: Date): Date | undefined {
	const toMs = wallOf(now)
	const dueMs = search(askedOf(expression), { fromMs: toMs - BACK_MS_MAX, toMs })
	if (dueMs === undefined) return undefined
	const wall = new Date(dueMs)
	const due = new Date(wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate(), wall.getUTCHours(), wall.getUTCMinutes(), wall.getUTCSeconds())
	// In an hour that was left out.
	return due > now ? new Date(dueMs + now.getTimezoneOffset() * MINUTE_MS) : due
}

/** What the clock on the wall shows, as if it hung in Greenwich; by the time of the year of `season`. */
function wallOf(at: Date, season: Date = at): number {
	return at.getTime() - season.getTimezoneOffset() * MINUTE_MS
}

interface Asked {
	task: ScheduledTask
	/** Each from the last to the first. */
	hours: number[]
	minutes: number[]
	seconds: number[]
}

function askedOf(expression: string): Asked {
	const { hour, minute, second } = parse(expression)
	const task = createTask(expression, () => undefined, { timezone: 'UTC' })
	// It is asked and never runs; else the library keeps it for good.
	void task.destroy()
	return { task, hours: descending(hour), minutes: descending(minute), seconds: descending(second) }
}

/** The last time after `fromMs` and until `toMs`, day by day backwards. */
function search(asked: Asked, { fromMs, toMs }: { fromMs: number; toMs: number }): number | undefined {
	for (let dayMs = Math.floor(toMs / DAY_MS) * DAY_MS; dayMs + DAY_MS > fromMs; dayMs -= DAY_MS) {
		const ms = lastOf(asked, dayMs, toMs)
		if (ms !== undefined && ms <= fromMs) return undefined
		if (ms !== undefined && asked.task.match(new Date(ms))) return ms
	}
	return undefined
}

/** Of a day, whether or not that is one of the schedule's. */
function lastOf({ hours, minutes, seconds }: Asked, dayMs: number, toMs: number): number | undefined {
	for (const hour of hours) {
		for (const minute of minutes) {
			const ms = dayMs + hour * HOUR_MS + minute * MINUTE_MS
			if (ms > toMs) continue
			const second = seconds.find((each) => ms + each * 1000 <= toMs)
			if (second !== undefined) return ms + second * 1000
		}
	}
	return undefined
}

function descending(numbers: readonly number[]): number[] {
	return [...numbers].sort((a, b) => b - a)
}
