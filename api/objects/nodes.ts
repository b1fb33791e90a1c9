/** Where a new object could go now. Nothing is given out that could not be uploaded. */
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { classOf, takesNewFiles } from '../../core/placement/placement.ts'
import { HttpError } from '../errors.ts'
import type { Placement } from './parameters.ts'
import { directoryOf } from './place.ts'
import { parseReplication, replicationOf, satisfies } from './replication.ts'

const RETRY_SECONDS = 5

/** Throws what their master would say. */
export function checkPlacement(fs: Filesystem, { collection, zone, replication }: Placement): void {
	const nodes = [...fs.nodes.values()]
	if (zone !== '' && !nodes.some(({ row }) => row.zone === zone)) throw new HttpError(400, `data center '${zone}' is not known`)
	checkReplication(fs, collection, replication)
	if (nodes.some((node) => takesNewFiles(node) && (zone === '' || node.row.zone === zone))) return
	throw new HttpError(503, 'no node takes new files now', { 'retry-after': String(RETRY_SECONDS) })
}

/** The class of the path decides. Promising more than it asks for would be a lie. */
function checkReplication(fs: Filesystem, collection: string, replication: string): void {
	const wish = replication === '' ? undefined : parseReplication(replication)
	const directory = directoryOf(collection)
	const rule = classOf(fs, Buffer.concat([directory, Buffer.from('/0000/00/00')]))
	if (wish && !satisfies(rule, wish)) throw new HttpError(406, `replication ${replication} is more than class '${rule.name}' of /${directory} gives, which is ${replicationOf(rule)}`)
}
