import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { run } from '../processes.ts'
import { statementsDuring } from '../statements.ts'
import type { Finding, Single } from './index.ts'
import { instanceOf } from './instance.ts'

/** Long enough to recognise a statement by. */
const STATEMENT_LETTERS_MAX = 110

/** What one create+write+close asks of MariaDB, in its own words. */
export const createRoundTrips: Single = {
	id: 'round-trips',
	title: 'statements of one create+write+close',
	system: 'cairn-mariadb',
	measure,
}

async function measure(bench: Bench, folder: string): Promise<Finding[]> {
	const instance = await instanceOf(bench, 'cairn-mariadb', folder)
	const running = await instance.start()
	try {
		const create = (prefix: string) => run([bench.program('create'), join(running.root, 'work'), '1', '1', prefix, '1024'])
		await create('first') // ids are taken in blocks, statements prepared once
		const statements = await statementsDuring(await bench.mariadb(), () => create('second'))
		return [
			{
				title: 'catalogue statements of one create+write+close, cairn-mariadb',
				value: `${statements.length}`,
				target: '',
				met: undefined,
				explanation: `In order: ${statements.map(short).join('; ')}.`,
			},
		]
	} finally {
		await running.stop()
	}
}

function short(statement: string): string {
	const text = statement.length > STATEMENT_LETTERS_MAX ? `${statement.slice(0, STATEMENT_LETTERS_MAX)}…` : statement
	return `\`${text.replaceAll('`', '')}\``
}
