/** A directory that is as the catalogue has it: most are, most of the time. Both sides come as one text and are compared. */
import type { FactsRow } from '../../core/catalogue/walks.ts'
import type { Survey } from '../hashing/packets.ts'
import type { Child } from './order.ts'
import type { Walking } from './walking.ts'

const OWN = '.cairn'
const NONE = Buffer.alloc(0)

/** The directories in it, when all there is to say of its files is that they are known; where anything differs, it is visited name by name. */
export function asKnown({ tally, run }: Walking, { survey, facts }: { survey: Survey; facts: FactsRow }): Child[] | undefined {
	if (facts.many === 0 || textOf(facts.files) !== survey.facts) return undefined
	const children = compareDirectories(survey, textOf(facts.directories))
	if (!children || (survey.isEarly && children.some(({ onDisk }) => !onDisk))) return undefined
	tally.known += survey.files
	for (let file = 0; file < survey.files; file++) run.done('known', 0)
	return children
}

function textOf(bytes: Uint8Array | null): string {
	const { buffer, byteOffset, byteLength } = bytes ?? NONE
	return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

/** Some the tree knows may not be here; all that are here it has to know. */
function compareDirectories({ directories }: Survey, known: string): Child[] | undefined {
	const here = new Set(directories)
	here.delete(OWN)
	const children = known === '' ? [] : known.split('/').map((fact): Child => {
		const end = fact.indexOf('\0')
		const name = fact.slice(0, end)
		return { name: Buffer.from(name, 'latin1'), id: Number(fact.slice(end + 1)), onDisk: here.delete(name), isNew: false }
	})
	return here.size === 0 ? children : undefined
}
