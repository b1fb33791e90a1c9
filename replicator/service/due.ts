/** When a schedule is due: next, and when it was last. In the time of this machine, as cron has it. */
import { createTask, parse, type ScheduledTask, validateDetailed } from 'node-cron'

/** Only a 29th of February on some weekday is further away. */
const DAYS_BACK_MAX = 366 * 8

/** Undefined when it says something, else what is wrong with it. */
export function wrongWith(expression: string): string | undefined {
	const { valid, errors } = validateDetailed(expression)
	return valid ? undefined : errors.map((error) => error.message).join(', ')
}

/** `run` is called when it is due, and when the machine slept through it. */
export function everyTime(expression: string, run: () => void): ScheduledTask {
	const task = createTask(expression, run, { suppressMissedWarning: true })
	task.on('execution:missed', run)
	void task.start()
	return task
}

export function nextDue(expression: string): Date {
	return withTask(expression, (task) => task.getNextRuns(1)[0])
}

/** The last time at or before `now` that it was due. */
export function previousDue(expression: string, now: Date): Date | undefined {
	return withTask(expression, (task) => search(task, expression, now))
}

function withTask<T>(expression: string, body: (task: ScheduledTask) => T): T {
	const task = createTask(expression, () => undefined)
	try {
		return body(task)
	} finally {
		void task.destroy()
	}
}

/** Days backwards; whether a day is one of the schedule's is asked with the first time of day it names. */
function search(task: ScheduledTask, expression: string, now: Date): Date | undefined {
	const { hour, minute, second } = parse(expression)
	const times = { hours: descending(hour), minutes: descending(minute), seconds: descending(second) }
	for (let back = 0; back < DAYS_BACK_MAX; back++) {
		const on = (h: number, m: number, s: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - back, h, m, s)
		const isDay = times.hours.some((h) => task.match(on(h, times.minutes[0], times.seconds[0])))
		const found = isDay ? lastOf(times, on, now) : undefined
		if (found) return found
	}
	return undefined
}

interface Times {
	hours: number[]
	minutes: number[]
	seconds: number[]
}

function lastOf({ hours, minutes, seconds }: Times, on: (h: number, m: number, s: number) => Date, now: Date): Date | undefined {
	for (const h of hours) {
		if (on(h, 0, 0) > now) continue
		for (const m of minutes) {
			if (on(h, m, 0) > now) continue
			const s = seconds.find((each) => on(h, m, each) <= now)
			if (s !== undefined) return on(h, m, s)
		}
	}
	return undefined
}

function descending(numbers: readonly number[]): number[] {
	return [...numbers].sort((a, b) => b - a)
}
