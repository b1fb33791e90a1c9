import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { run } from '../processes.ts'
import { packetsDuring } from '../general-log.ts'
import type { Finding, Single } from './single.ts'
import { instanceOf } from './instance.ts'

/** What a statement is told by when it is none of the usual ones. */
const STATEMENT_LETTERS_MAX = 40

/** What one create+write+close asks of MariaDB. */
export const createRoundTrips: Single = {
	id: 'round-trips',
	title: 'round trips of one create+write+close',
	system: 'cairn-mariadb',
	measure,
}

async function measure(bench: Bench, folder: string): Promise<Finding[]> {
	const instance = await instanceOf(bench, 'cairn-mariadb', folder)
	const running = await instance.start()
	try {
		const create = (prefix: string) => run([bench.program('create'), join(running.root, 'work'), '1', '1', prefix, '1024'])
		await create('first') // ids are taken in blocks, statements prepared once
		const packets = await packetsDuring(await bench.mariadb(), () => create('second'))
		return [
			{
				title: 'round trips to MariaDB for one create+write+close',
				value: `${packets.length}`,
				target: '',
				met: undefined,
				explanation: `In order, one per round trip: ${packets.map(summary).join(' | ')}.`,
			},
		]
	} finally {
		await running.stop()
	}
}

/** Each statement of a packet by its verb and its tables. */
function summary(packet: string): string {
	const statements = packet.split(';').map((statement) => statement.trim())
	return statements.filter((statement) => statement !== '').map(gist).join('; ')
}

function gist(statement: string): string {
	const change = /^(?:INSERT(?: IGNORE)? INTO|REPLACE INTO|UPDATE|DELETE FROM) `?\w+`?/i.exec(statement)
	if (change) return change[0].replaceAll('`', '')
	const tables = [...statement.matchAll(/\b(?:FROM|JOIN) `?(\w+)`?/gi)].map(([, table]) => table)
	if (/^SELECT/i.test(statement) && tables.length > 0) return `SELECT ${tables.join(', ')}`
	return statement.slice(0, STATEMENT_LETTERS_MAX)
}
