/** Plain files as `plainQuery` tells of them, and as threads are told. Texts have a character for each byte. */
import { FACT } from '../../core/catalogue/wanted-plain.ts'
import type { FileId } from '../../core/ids.ts'
import { ASIDE, IS_NEW, WIDTH } from './packets.ts'

const NOTHING_THERE = '0'

export interface Plain {
	id: FileId
	bytes: number
	/** In hexadecimal digits; '' where nobody knows it. */
	hash: string
	name: string
	parent: FileId
	/** Numbers of the nodes that have it, with spaces in between. */
	holders: string
	/** All that was said of it. */
	facts: string
}

/** None where one has several names: it is not as the catalogue says of it. */
export function plainsOf(text: string): Plain[] {
	const parts = text.split('/')
	const found: Plain[] = []
	for (let at = 0; at + 1 < parts.length; at += 2) {
		const facts = parts[at + 1]
		const fields = facts.split(',')
		found.push({
			id: Number(fields[FACT.id]),
			bytes: Number(fields[FACT.size]),
			hash: fields[FACT.hash],
			name: parts[at],
			parent: Number(fields[FACT.parent]),
			holders: fields[FACT.holders],
			facts,
		})
	}
	return new Set(found.map(({ id }) => id)).size === found.length ? found : []
}

/** `first`: the number of the first in its tray. */
export function numbersOf(plains: readonly Plain[], first: number): Float64Array {
	const numbers = new Float64Array(plains.length * WIDTH)
	for (let index = 0; index < plains.length; index++) {
		const at = index * WIDTH
		const fields = plains[index].facts.split(',', FACT.mtimeNs + 1)
		for (let field = FACT.size; field <= FACT.mtimeNs; field++) numbers[at + field] = Number(fields[field])
		numbers[at + ASIDE] = first + index
		numbers[at + IS_NEW] = fields[FACT.own] === NOTHING_THERE ? 1 : 0
	}
	return numbers
}

export function versionOf({ facts }: Plain): number {
	return Number(fieldOf(facts, FACT.version))
}

/** Nothing of ours has its name on the node. */
export function isNew({ facts }: Plain): boolean {
	return fieldOf(facts, FACT.own) === NOTHING_THERE
}

/** As in `enter`: of several that were never compared none says what the file is. */
export function isOnlySource({ holders }: Plain): boolean {
	return !holders.includes(' ')
}

function fieldOf(facts: string, field: number): string {
	return facts.split(',', field + 1)[field]
}
