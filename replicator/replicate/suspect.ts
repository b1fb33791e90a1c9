/** A copy that is not what it should be. */
import * as replicas from '../../core/catalogue/replicas.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { isUnsettled, look, type Want } from './look.ts'
import type { Round } from './round.ts'
import type { Found } from './sources.ts'

/** False when the file has changed meanwhile, and nothing can be said of the copy. */
export async function suspect({ rep: { fs, node } }: Round, want: Want, { source, path }: Found): Promise<boolean> {
	return await transact(fs, function* (tx) {
		const now = (yield* look(tx, node.id, [want.file.id], fs.capabilities.forUpdate)).wants.get(want.file.id)
		if (!now || isUnsettled(now) || now.file.version !== want.file.version) return false
		if (!now.places.some((place) => place.path.equals(path))) return false
		const copy = now.copies.find(({ node_id }) => node_id === source.id)
		if (copy?.state !== REPLICA.good || copy.version !== now.file.version) return false
		replicas.setState(tx, now.file.id, source.id, REPLICA.suspect)
		return true
	})
}
