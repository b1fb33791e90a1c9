/** Counts again and again until it is killed: `counting-process.ts CATALOGUE`. */
import { openCatalogue } from '../../core/catalogue/open.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { startFilesystem } from '../../core/filesystem/start.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { runJob } from '../../replicator/replicator.ts'
import { isBehind, rebuildJob, statsJob } from '../../replicator/stats/stats.ts'

const config = withDefaults({ catalogue: process.argv[2] })
const catalogue = await openCatalogue(config)
const fs = await run(startFilesystem({ config, catalogue, what: 'counting', report: () => undefined }))
const [node] = fs.nodes.values() as unknown as Node[]
process.stdout.write('ready\n')
for (let round = 0; ; round++) {
	// From nothing now and then: killed in the middle of that, too.
	const job = round % 10 === 9 ? rebuildJob : statsJob
	if (job === rebuildJob || (await isBehind(catalogue))) await runJob(fs, node, job, { signal: new AbortController().signal })
	await new Promise((resolve) => setTimeout(resolve, 1))
}
