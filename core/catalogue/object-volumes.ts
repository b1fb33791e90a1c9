/** Table `object_volume`: each way in which objects were asked for has a number. */
import type { Maybe } from '../op.ts'
import type { Capabilities, Reader, Transaction } from './driver.ts'

/** What was asked for; '' where nothing was. */
export interface Asked {
	collection: string
	ttl: string
	zone: string
	replication: string
}

export interface ObjectVolumeRow extends Asked {
	id: number
}

const COLUMNS = 'id, collection, ttl, zone, replication'

export function find(reader: Reader, id: number): Maybe<ObjectVolumeRow | undefined> {
	return reader.get<ObjectVolumeRow>(`SELECT ${COLUMNS} FROM object_volume WHERE id = ?`, [id])
}

export function findAsked(reader: Reader, { collection, ttl, zone, replication }: Asked): Maybe<ObjectVolumeRow | undefined> {
	return reader.get<ObjectVolumeRow>(
		`SELECT ${COLUMNS} FROM object_volume WHERE collection = ? AND ttl = ? AND zone = ? AND replication = ?`,
		[collection, ttl, zone, replication],
	)
}

export function list(reader: Reader): Maybe<ObjectVolumeRow[]> {
	return reader.all<ObjectVolumeRow>(`SELECT ${COLUMNS} FROM object_volume ORDER BY id`)
}

/** Somebody else may be doing the same: then it is there already. */
export function add(tx: Transaction, { collection, ttl, zone, replication }: Asked, { insertIgnore }: Capabilities): void {
	tx.write(`${insertIgnore} INTO object_volume (collection, ttl, zone, replication) VALUES (?,?,?,?)`, [collection, ttl, zone, replication])
}
