/**
 * A process with nothing to do: `init CATALOGUE DIRECTORY` makes a catalogue with two nodes, `poll CATALOGUE ROUNDS` prints how long
 * runs take there. It uses the job itself, and not `./cairn`: what a daemon asks again and again is not the start of a program.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { addNode } from '../../cli/node-add.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { runJob } from '../../replicator/replicator.ts'
import { startRun } from '../../replicator/run.ts'

const [what, address, rest] = process.argv.slice(2)
const config = withDefaults({ catalogue: address })
const catalogue = await openCatalogue(config, { create: what === 'init' })

if (what === 'init') {
	await initialise(catalogue, { owner: { uid: 0, gid: 0 }, classes: config.classes, now: { s: 1, ns: 0 } })
	for (const name of ['a', 'b']) {
		const path = join(rest, name)
		mkdirSync(path)
		await addNode(catalogue, name, { path, zone: '', reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	}
} else {
	const fs = await run(startFilesystem({ config, catalogue, what: 'bench', report: () => undefined }))
	const node = fs.nodes.get(1) as Node
	const { signal } = new AbortController()
	const ms: number[] = []
	const wholeMs: number[] = []
	for (let round = 0; round < Number(rest); round++) {
		const started = performance.now()
		await replicate().work({ fs, node, run: startRun(signal), name: 'replicate:1' })
		const worked = performance.now()
		await runJob(fs, node, replicate(), { signal })
		ms.push(worked - started)
		wholeMs.push(performance.now() - worked)
	}
	await stopFilesystem(fs)
	console.log(JSON.stringify({ ms, wholeMs, mib: Math.round(process.memoryUsage.rss() / 2 ** 20) }))
}
await catalogue.close()
