/** What is still to be done. */
import { count, counted, size, spanText } from './amounts.ts'
import { html, type Html, joined, NOTHING, type Shown } from './html.ts'
import { empty, facts, section } from './parts.ts'
import type { Overview, OwedShown } from './shown.ts'

export function owed({ owed, behind }: Overview): Html {
	const lines = linesOf(owed)
	const body = lines.length === 0 ? empty(behind > 0 ? 'Nothing is owed of what is counted yet.' : 'Nothing is owed: whatever was asked for has been done.') : facts(lines)
	return section({ id: 'owed', title: 'Work owed', body })
}

function linesOf({ copies, copyBytes, etaSeconds, intents, surplus, suspect, offsite, short, classesShort }: OwedShown): Array<[string, Shown]> {
	const lines: Array<[string, Shown | false]> = [
		['Copies to make', copies > 0 && html`${count(copies)}, ${size(copyBytes)}${eta(etaSeconds)}`],
		['Changes to carry out', intents > 0 && html`${counted(intents, 'removal, renaming or the like', 'removals, renamings and the like')} on nodes that were away or busy`],
		['Copies to remove', surplus > 0 && html`${count(surplus)} more than asked for`],
		['Bad or doubtful copies', suspect > 0 && count(suspect)],
		['Off-site', offsite > 0 && html`${counted(offsite, 'file')} to be fetched by a site`],
		['Short of nodes', short > 0 && html`${counted(short, 'file')}: no other node takes a copy`],
		['Too few nodes', classesShort.length > 0 && html`for what ${joined(classesShort.map((name) => html`<bdi>${name}</bdi>`), ', ')} ask`],
	]
	return lines.filter((line): line is [string, Shown] => line[1] !== false)
}

function eta(seconds: number | undefined): Html {
	return seconds === undefined ? NOTHING : html`; done in about <strong>${spanText(seconds)}</strong> at the pace of late`
}
