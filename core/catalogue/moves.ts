/**
 * Table `moves`: one row, with how often a directory was moved, or a node taken away. Whoever makes use of a path holds it until the commit,
 * together with all others who do; whoever moves a directory holds it alone. So a path that was found to be right stays right until then, and
 * two who move directories see each other's moves. Whoever takes a node away holds it alone too: who puts something there has done so before,
 * and it is seen, or finds that the number is another. Only where there is more than one writer at a time. It is the first thing a transaction locks.
 */
import type { FileId, Name } from '../ids.ts'
import type { Capabilities, Query, Transaction } from './driver.ts'
import { KIND } from './files.ts'

export interface MovesRow {
	number: number
}

const NUMBER = 'SELECT number FROM moves WHERE id = '
/** Another row, which there is not, where none of the names leads to a directory: a row that a lock reads is locked whatever is compared then. */
const IS_DIRECTORY = `COALESCE((SELECT f.kind = ${KIND.directory} FROM entry e JOIN file f ON f.id = e.file_id WHERE e.parent_id = ? AND e.name = ?), 0)`
const IF_DIRECTORY = `${NUMBER}GREATEST(${IS_DIRECTORY}, ${IS_DIRECTORY})`

export function togetherQuery({ forShare }: Capabilities): Query {
	return [`${NUMBER}1${forShare}`, []]
}

export function aloneQuery({ forUpdate }: Capabilities): Query {
	return [`${NUMBER}1${forUpdate}`, []]
}

/** Alone where one of two names leads to a directory, as far as can be seen without a lock; else there is no answer, and nothing is held. */
export function aloneIfDirectoryQuery(one: { parent: FileId; name: Name }, other: { parent: FileId; name: Name }, { forUpdate }: Capabilities): Query {
	return [IF_DIRECTORY + forUpdate, [one.parent, one.name, other.parent, other.name]]
}

export function add(tx: Transaction): void {
	tx.write('UPDATE moves SET number = number + 1 WHERE id = 1')
}
