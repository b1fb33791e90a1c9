/** The table: what is measured, and what is asked of it. */
import { type Installation, WORKERS } from './installation.ts'
import { ENTRIES, fillMany, memoryOfSlow, objectScript, putGib, putScript, putWithRows, slowestPage, wrk, writeGib } from './loads.ts'

export interface Row {
	title: string
	asked: string
	/** Amounts of bytes are shown as such. */
	isBytes?: true
	/** Unmeasured. */
	prepare?(made: Installation): Promise<void>
	/** Of Cairn, and what it is compared with, if anything. */
	measure(made: Installation, seconds: string): Promise<[cairn: number, other?: number]>
}

const CONNECTIONS = 16

type Where = 'door' | 'workers'

const get =
	(where: Where): Row['measure'] =>
	async (made, seconds) => [
		wrk(`${made[where]}/files/small`, { connections: CONNECTIONS, seconds, headers: made.headers }).requests,
		wrk(`${made.nginx}/files/small`, { connections: CONNECTIONS, seconds }).requests,
	]

const put =
	(where: Where): Row['measure'] =>
	async (made, seconds) => {
		const asking = { connections: CONNECTIONS, seconds, script: putScript(made) }
		return [wrk(`${made[where]}/files/puts/${where}`, { ...asking, headers: made.headers }).requests, wrk(`${made.nginx}/put/${where}`, asking).requests]
	}

const putBesideRows: Row['measure'] = async (made, seconds) => {
	const asking = { connections: CONNECTIONS, seconds, script: putScript(made) }
	return [wrk(`${made.door}/files/puts/rows`, { ...asking, headers: made.headers }).requests, putWithRows(made, asking)]
}

const objects =
	(where: Where, how: 'raw' | 'form'): Row['measure'] =>
	async (made, seconds) => [wrk(made[where], { connections: CONNECTIONS, seconds, headers: made.headers, script: objectScript(made, how) }).requests / 2]

export const rows: readonly Row[] = [
	{ title: 'GET 4 KiB, hot (requests/s)', asked: '0.35', measure: get('door') },
	{ title: `GET 4 KiB of ${WORKERS} workers`, asked: '', measure: get('workers') },
	{
		title: 'GET 100 MB (bytes/s)',
		asked: '0.8',
		isBytes: true,
		async measure(made, seconds) {
			const asking = { connections: 2, seconds }
			return [wrk(`${made.door}/files/large`, { ...asking, headers: made.headers }).bytes, wrk(`${made.nginx}/files/large`, asking).bytes]
		},
	},
	{ title: 'PUT 4 KiB, new names (requests/s)', asked: '1500/s', measure: put('door') },
	{ title: 'PUT 4 KiB; nginx, then the rows of a catalogue', asked: '0.7', measure: putBesideRows },
	{ title: `PUT 4 KiB of ${WORKERS} workers`, asked: '', measure: put('workers') },
	{ title: 'assign and upload of 1 KiB, 16 connections (objects/s)', asked: '1500/s', measure: objects('door', 'raw') },
	{ title: 'assign and upload of 1 KiB in a form', asked: '', measure: objects('door', 'form') },
	{ title: `assign and upload of ${WORKERS} workers`, asked: '', measure: objects('workers', 'raw') },
	{ title: 'PUT 1 GiB (bytes/s; the other is write(2) to the disk)', asked: '0.7', isBytes: true, measure: async (made) => [await putGib(made), writeGib(made)] },
	{ title: 'memory with 500 slow readers (MiB)', asked: '< 250', measure: async (made) => [await memoryOfSlow(made)] },
	{ title: `a page of ${ENTRIES} entries (ms, the slowest of 20)`, asked: '< 30', prepare: fillMany, measure: async (made) => [await slowestPage(made)] },
]
