/** Records of manifests become rows. */
import type { Driver, Value } from '../../core/catalogue/driver.ts'
import { insertRows } from '../../core/catalogue/dump/fill.ts'
import { FILE_COLUMNS, type FileRecord, OBJECT_COLUMNS } from '../manifest/format.ts'

const ENTRY = ['parent_id', 'name', 'file_id']
const REPLICA_COLUMNS = ['file_id', 'node_id', 'version', 'state', 'verified_at']
const XATTR = ['file_id', 'name', 'value']
const OBJECT = [...OBJECT_COLUMNS, 'file_id']
/** One text however many ids there are. */
const IDS_PER_STATEMENT = 100

export interface Said {
	id: number
	/** Undefined: it is there no more. */
	record: FileRecord | undefined
}

/** Into tables that know nothing of these ids or names yet. */
export async function insertRecords(driver: Driver, records: readonly FileRecord[]): Promise<void> {
	const idOf = ({ file }: FileRecord) => file[0]
	await insertRows(driver, 'file', FILE_COLUMNS, records.map(({ file }) => file))
	await insertRows(driver, 'entry', ENTRY, records.flatMap((record) => record.names.map(({ parent, name }): Value[] => [parent, name, idOf(record)])))
	await insertRows(driver, 'replica', REPLICA_COLUMNS, records.flatMap(copiesOf))
	await insertRows(driver, 'xattr', XATTR, records.flatMap((record) => record.xattrs.map(({ name, value }): Value[] => [idOf(record), name, value])))
	await insertRows(driver, 'object', OBJECT, records.flatMap((record) => record.objects.map((row): Value[] => [...row, idOf(record)])))
}

function copiesOf({ file, replicas }: FileRecord): Value[][] {
	return replicas.map(({ node, version, state, verifiedAt }) => [file[0], node, version, state, verifiedAt])
}

/** In the place of whatever was said of these ids, or of these names and keys of objects, before. */
export async function replaceRecords(driver: Driver, said: readonly Said[]): Promise<void> {
	const latest = new Map(said.map((each) => [each.id, each.record]))
	const ids = [...latest.keys()]
	const records = [...latest.values()].filter((record) => record !== undefined)
	const names = records.flatMap((record) => record.names)
	const keys = records.flatMap((record) => record.objects.map(([key]) => key))
	await driver.transaction(function* (tx) {
		for (let at = 0; at < ids.length; at += IDS_PER_STATEMENT) {
			const some = ids.slice(at, at + IDS_PER_STATEMENT)
			const params = [...some, ...Array<number>(IDS_PER_STATEMENT - some.length).fill(0)]
			const marks = params.map(() => '?').join(',')
			for (const table of ['entry', 'replica', 'xattr', 'object']) tx.write(`DELETE FROM ${table} WHERE file_id IN (${marks})`, params)
			tx.write(`DELETE FROM file WHERE id IN (${marks})`, params)
		}
		for (const { parent, name } of names) tx.write('DELETE FROM entry WHERE parent_id = ? AND name = ?', [parent, name])
		for (const key of keys) tx.write('DELETE FROM object WHERE id = ?', [key])
	})
	await insertRecords(driver, records)
}
