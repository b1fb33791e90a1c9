/** Runs as a process of its own: walks the node of a catalogue and is killed in the middle of its Nth transaction. */
import { openSqlite } from '../../core/catalogue/sqlite.ts'
import { watchFiles } from '../../core/catalogue/wal-index.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { startFilesystem } from '../../core/filesystem/start.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { runJob } from '../../replicator/replicator.ts'
import { walk } from '../../replicator/walk/walk.ts'

const [, , path, transaction, when] = process.argv
const catalogue = openSqlite(path, { timeoutMs: 5_000, watch: watchFiles })
const fs = await run(startFilesystem({ config: withDefaults({}), catalogue, what: 'walk', report: () => undefined }))
const own = catalogue.transaction
let left = Number(transaction)
catalogue.transaction = (body) => {
	left--
	if (left === 0 && when === 'before') process.kill(process.pid, 'SIGKILL')
	const result = own(body)
	if (left === 0) process.kill(process.pid, 'SIGKILL')
	return result
}
await runJob(fs, fs.nodes.get(1) as Node, walk(), { signal: new AbortController().signal })
process.exit(0)
