/** This process as a client of the catalogue: joining, heartbeats, knowing who else is alive. */
import { hostname } from 'node:os'
import { readFileSync, readlinkSync } from 'node:fs'
import * as changes from '../catalogue/changes.ts'
import type { ClientRow } from '../catalogue/clients.ts'
import * as clients from '../catalogue/clients.ts'
import type { Driver, Reader } from '../catalogue/driver.ts'
import * as leases from '../catalogue/leases.ts'
import { openSequence } from '../catalogue/sequence.ts'
import * as writers from '../catalogue/writers.ts'
import type { ClientId } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { startOf } from '../process-start.ts'
import { type Filesystem, runAside, transact } from './filesystem.ts'
import { reclaimAll } from './reclaim.ts'

/**
 * What a long-running replicator calls itself. It moves copies about; what it finds on a node and puts into the tree was
 * promised to nobody, and may be seen when the journal is read.
 */
export const REPLICATOR = 'replicator'

/**
 * What a door calls itself that has changed nothing for a while. Mounts go on as if they were alone; it says so before it does
 * change something, see announce.ts.
 */
export const QUIET_DOOR = 'api, reading'

const DISREGARDED: readonly string[] = [REPLICATOR, QUIET_DOOR]

export const HEARTBEAT_MS = 5_000
/** Silent this long, a client on another machine is taken for dead. */
const SILENT_SECONDS_MAX = 30

/** Whose processes these are: this boot's, of what counts them. */
const HERE = `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}:${readlinkSync('/proc/self/ns/pid')}`

export function* join(driver: Driver, what: string): Op<ClientId> {
	const id = yield* openSequence(driver, 'next_client_id', 1).next()
	yield* wait(
		driver.transaction(function* (tx) {
			clients.insert(tx, { id, host: hostname(), pid: process.pid, started: startedAt(process.pid), what }, driver.capabilities)
			changes.insert(tx, id, { op: 'client' }, driver.capabilities)
		}),
	)
	return id
}

/** Everything is published and closed: nothing is left to settle. */
export function* part(fs: Filesystem): Op<void> {
	yield* wait(
		transact(fs, function* (tx) {
			// Left by a change of which nobody knows whether it was made: settled as after a crash, by whoever comes next.
			if ((yield* wait(writers.ofClient(tx, fs.client, 0, 1))).length > 0) return
			clients.remove(tx, fs.client)
			changes.insert(tx, fs.client, { op: 'client' }, fs.capabilities)
		}),
	)
}

/** Alive; and if others took this client for dead meanwhile, back, with the pins of files that are what they were. */
export function* beat(fs: Filesystem): Op<void> {
	const begunMs = Date.now()
	const isBack = yield* wait(
		transact(fs, function* (tx) {
			const row = yield* wait(clients.find(tx, fs.client, fs.capabilities.forUpdate))
			if (row && row.started !== clients.TAKEN_FOR_DEAD) {
				clients.beat(tx, fs.client, fs.capabilities)
				return false
			}
			if (row) clients.remove(tx, fs.client)
			// May count twice when the transaction runs again: what matters is that it grew before the row was back.
			fs.returns++
			clients.insert(tx, { id: fs.client, host: hostname(), pid: process.pid, started: startedAt(process.pid), what: fs.what }, fs.capabilities)
			return true
		}),
	)
	if (isBack) fs.alive.from = fs.nextToken
	if (Number.isFinite(fs.alive.shownMs)) fs.alive.shownMs = begunMs
	// Not waited for: a publish that finds its pin gone shows a heartbeat first, and has its own file in hand.
	if (isBack) runAside(fs, 'pins that others took away', reclaimAll(fs))
}

/** Whether somebody else is alive who changes the tree for people. */
export function* refreshClients(fs: Filesystem): Op<ClientRow[]> {
	const rows = yield* wait(clients.list(fs.catalogue, fs.capabilities))
	fs.shared = rows.some((row) => row.id !== fs.client && !DISREGARDED.includes(row.what) && isAlive(row))
	return rows
}

/**
 * A process that can be seen from here is looked up, any other is believed until it has been silent for long: machines may share a name, and so
 * may containers on one of them, each of which counts processes of its own.
 */
export function isAlive(row: ClientRow): boolean {
	if (row.started === clients.TAKEN_FOR_DEAD) return false
	if (row.started.startsWith(`${HERE}:`)) return startedAt(row.pid) === row.started
	return row.silent <= SILENT_SECONDS_MAX
}

/** One that is not in the table has parted, or was settled. */
export function* isRunning({ capabilities }: Filesystem, reader: Reader, id: ClientId): Op<boolean> {
	const row = yield* wait(clients.get(reader, id, capabilities))
	return row !== undefined && isAlive(row)
}

/** Takes or renews a lease; false while another process has it. */
export function* takeLease(fs: Filesystem, name: string, seconds: number): Op<boolean> {
	return yield* leases.take(fs, name, seconds, (tx, id) => isRunning(fs, tx, id))
}

/** Where and when a process started: together they tell a reused pid apart. */
function startedAt(pid: number): string {
	return `${HERE}:${startOf(pid)}`
}
