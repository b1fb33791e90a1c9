/**
 * A replicator of one node in a process of its own, for tests that kill or stop it: `keeper.ts CATALOGUE NODE HOW`.
 * again: trims and replicates until it is killed. once: trims, standing still (SIGSTOP) when the others were seen and nothing
 * has been decided yet.
 */
import { withDefaults } from '../../core/config/defaults.ts'
import { openSqlite } from '../../core/catalogue/sqlite.ts'
import { watchFiles } from '../../core/catalogue/wal-index.ts'
import { keepAlive, startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { type Job, runJob } from '../../replicator/replicator.ts'
import { trim } from '../../replicator/trim/trim.ts'

const HESITATION_SHARE = 0.05
const HESITATION_MS = 50

const [path, number, how] = process.argv.slice(2)
const catalogue = openSqlite(path, { timeoutMs: 10_000, watch: watchFiles })
const config = withDefaults({ classes: [{ name: 'two', pattern: '', copies: 2 }], replicator: { proofDays: 0 } })
const fs = await run(startFilesystem({ config, catalogue, what: `keeper ${number}`, report: () => undefined }))
const rest = keepAlive(fs)
const node = fs.nodes.get(Number(number)) as Node
const work = async (job: Job) => (await runJob(fs, node, job, { signal: new AbortController().signal })).summary

process.stdout.write('ready\n')
if (how === 'once') {
	standStillWhenSeen()
	process.stdout.write(`${JSON.stringify((await work(trim()))?.outcomes)}\n`)
	rest()
	await stopFilesystem(fs)
} else {
	hesitate()
	for (;;) {
		await work(trim())
		await work(replicate())
		// The journal, heartbeats and settling have their turn.
		await new Promise((resolve) => setTimeout(resolve, 5))
	}
}

/** Now and then between the look at a copy and what follows from it: the others go on meanwhile. */
function hesitate(): void {
	const pause = new Int32Array(new SharedArrayBuffer(4))
	for (const { operations } of fs.nodes.values()) {
		const { stat } = operations
		operations.stat = (name) => {
			const found = stat(name)
			if (Math.random() < HESITATION_SHARE) Atomics.wait(pause, 0, 0, HESITATION_MS)
			return found
		}
	}
}

function standStillWhenSeen(): void {
	const { operations } = fs.nodes.get(2) as Node
	const { stat } = operations
	let looks = 0
	operations.stat = (name) => {
		const found = stat(name)
		// The first is for reading it, the second comes just before the decision.
		if (++looks < 2) return found
		process.stdout.write('seen\n')
		process.kill(process.pid, 'SIGSTOP')
		return found
	}
}
