/** A catalogue on either engine with local nodes, and filesystems over it as processes would have them. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { addNode } from '../../cli/node-add.ts'
import type { Driver } from '../../core/catalogue/driver.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import type { ClassConfig, Config } from '../../core/config/types.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { startFilesystem } from '../../core/filesystem/start.ts'
import type { Node } from '../../core/nodes/node.ts'
import { closeNode } from '../../core/nodes/open-node.ts'
import { run } from '../../core/op.ts'
import { rebuildJob, statsJob } from '../../replicator/stats/stats.ts'
import { type Job, runJob } from '../../replicator/replicator.ts'
import type { Summary } from '../../replicator/run.ts'
import { type Engine, open } from '../catalogue/engines.ts'

export interface Place {
	address: string
	config: Config
	driver: Driver
	fs: Filesystem
	/** The directory of a node, numbered from 1. */
	node(number: number): string
	/** Any job, on the first node or another. */
	work(job: Job, number?: number): Promise<Summary | undefined>
	count(): Promise<void>
	countAnew(): Promise<void>
}

const TWO_CLASSES: ClassConfig[] = [
	{ name: 'pictures', pattern: '^pictures/', copies: 3 },
	{ name: 'default', pattern: '', copies: 2 },
]

export async function place(test: TestContext, engine: Engine, { nodes = 3, classes = TWO_CLASSES } = {}): Promise<Place> {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-stats-'))
	test.after(() => rmSync(directory, { recursive: true, force: true }))
	const address = await engine.address(test)
	const driver = await open(test, address)
	const config = withDefaults({ catalogue: address, classes, nodeDeadlineMs: 1_000 })
	await initialise(driver, { owner: { uid: 0, gid: 0 }, classes, now: { s: 1, ns: 0 } })
	const node = (number: number) => join(directory, `node${number}`)
	for (let number = 1; number <= nodes; number++) {
		mkdirSync(node(number))
		await addNode(driver, `node${number}`, { path: node(number), zone: `zone${number}`, reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	}
	const catalogue = await open(test, address)
	const fs = await run(startFilesystem({ config, catalogue, what: 'test', report: () => undefined }))
	test.after(() => {
		fs.later.end()
		for (const each of fs.nodes.values()) closeNode(each)
	})
	async function work(job: Job, number = 1): Promise<Summary | undefined> {
		await flushLater(fs)
		const { summary } = await runJob(fs, fs.nodes.get(number) as Node, job, { signal: new AbortController().signal })
		await flushLater(fs)
		return summary
	}
	return {
		address, config, driver, fs, node, work,
		count: async () => void (await work(statsJob)),
		countAnew: async () => void (await work(rebuildJob)),
	}
}
