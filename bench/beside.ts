/** What stands in a report below this heading was found by other means: a run that writes the report anew keeps it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const HEADING = '## Besides'

export function writeReport(path: string, report: string): void {
	const old = existsSync(path) ? readFileSync(path, 'utf8') : ''
	const at = old.indexOf(`${HEADING}\n`)
	writeFileSync(path, at === -1 ? report : `${report}\n${old.slice(at)}`)
}
