/** What a mount counts of its requests: a few additions each. */
import { createRing, type TopEntry } from '../core/live/top.ts'
import { type Cell, counter, histogram, observe, type Timing } from '../core/metrics/registry.ts'
import { OP } from './fuse/protocol.ts'

const seconds = histogram('cairn_mount_seconds', 'Time from reading a request of the kernel to its answer, by operation.', ['operation'])
const failures = counter('cairn_mount_failures_total', 'Requests answered with an error, by its name.', ['error'])
const opens = counter('cairn_mount_opens_total', 'Files opened: the kernel reads and writes the backing file itself (passthrough), or every byte passes here (carried).', ['how'])
const bytes = counter('cairn_mount_carried_bytes_total', 'Bytes that passed through this process; what the kernel moved itself is not seen here.', ['direction'])

export interface Meter {
	/** A request was answered. */
	note(request: { opcode: number; pid: number; node: number }, startedMs: number, endedMs: number): void
	failed(code: string): void
	top(): TopEntry[]
}

const NAMES = new Map<number, string>(Object.entries(OP).map(([name, opcode]) => [opcode, name.toLowerCase()]))
const nameOf = (opcode: number) => NAMES.get(opcode) ?? `operation-${opcode}`

const ring = createRing()
const timings: Array<Timing | undefined> = []

export const meter: Meter = {
	note({ opcode, pid, node }, startedMs, endedMs) {
		const tookMs = endedMs - startedMs
		let timing = timings[opcode]
		if (timing === undefined) {
			timing = seconds.timing(nameOf(opcode))
			timings[opcode] = timing
		}
		observe(timing, tookMs / 1000)
		ring.note(opcode, pid, node, endedMs, tookMs)
	},
	failed: (code) => failures.add(1, code),
	top: () => ring.read(nameOf),
}

const read = bytes.cell('read')
const written = bytes.cell('written')
const passed = opens.cell('passthrough')
const carried = opens.cell('carried')

export function countOpen(passedThrough: boolean): void {
	const cell: Cell = passedThrough ? passed : carried
	cell.value++
}

export function countRead(many: number): void {
	read.value += many
	ring.carried(many)
}

export function countWritten(many: number): void {
	written.value += many
	ring.carried(many)
}
