/** A process that replicates for a node and stops at a point, to be killed there: `CATALOGUE NODE POINT`. */
import { withDefaults } from '../../core/config/defaults.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import { run } from '../../core/op.ts'
import { makeCopies } from './copying.ts'

const [address, node, stopAt] = process.argv.slice(2)
const config = withDefaults({ catalogue: address })
config.replicator.copiesAtOnce = 1
const catalogue = await openCatalogue(config)
const fs = await run(startFilesystem({ config, catalogue, what: 'replicate', report: () => undefined }))
let units = 0
const { summary } = await makeCopies(fs, Number(node), {
	async hold(point) {
		if (point === 'looked') units++
		// The first portion goes through, the second one stops half-way.
		if (point !== stopAt || units < 2) return
		process.stdout.write('here\n')
		await new Promise((resolve) => setTimeout(resolve, 60_000))
	},
})
await stopFilesystem(fs)
await catalogue.close()
process.stdout.write(`${JSON.stringify(summary.outcomes)}\n`)
