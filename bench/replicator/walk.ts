/**
 * Walks beside what the shell does with the same tree: `./cairn exec node bench/replicator/walk.ts [--files N] [--rounds N]`.
 * A new tree is hashed and adopted, then passed over as known. Rounds take turns, a ratio is taken within a round, and the
 * median of the rounds counts: what slows the machine for a while slows both sides of a round.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median } from '../samples.ts'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const FILE_BYTES = 4_096
const FILES_PER_DIRECTORY = 100
const DEADLINE_MS = 600_000

const { values: options } = parseArgs({
	options: {
		files: { type: 'string', default: '100000' },
		rounds: { type: 'string', default: '5' },
		dir: { type: 'string', default: tmpdir() },
		json: { type: 'boolean', default: false },
	},
})

interface Took {
	seconds: number
	/** Of the processor: what other work on the machine changes least. */
	cpuSeconds: number
	/** The most it held at once. */
	mib: number
}

interface Row {
	what: string
	cairn: Took
	shell: Took
	/** Of their times, shell to cairn: 1 is as fast. */
	ratio: number
	/** The same of the processor's seconds. */
	cpuRatio: number
}

const dir = mkdtempSync(join(options.dir, 'cairn-walk-'))
try {
	makeTree(join(dir, 'node'), Number(options.files))
	report(measure(Number(options.rounds)))
} finally {
	rmSync(dir, { recursive: true, force: true })
}

function makeTree(root: string, files: number): void {
	const bytes = Buffer.alloc(FILE_BYTES)
	for (let number = 0; number < files; number++) {
		const directory = join(root, `d${Math.floor(number / FILES_PER_DIRECTORY / 100)}`, `s${Math.floor(number / FILES_PER_DIRECTORY) % 100}`)
		if (number % FILES_PER_DIRECTORY === 0) mkdirSync(directory, { recursive: true })
		bytes.writeUInt32LE(number)
		writeFileSync(join(directory, `file-${number}.jpg`), bytes)
	}
}

function measure(rounds: number): Row[] {
	const all: Array<[fresh: Row, known: Row]> = []
	shell('find node -type f -print0 | xargs -0 -P2 sha256sum > /dev/null')
	for (let round = 0; round < rounds; round++) {
		install()
		const hashed = shell('find node -type f -print0 | xargs -0 -P2 sha256sum > /dev/null')
		const fresh = walk()
		const found = shell("find node -printf '%s %T@ %p\\n' > /dev/null")
		all.push([rowOf('walk of a new tree, hashing', fresh, hashed), rowOf('walk of a known tree', walk(), found)])
	}
	return [0, 1].map((index) => middle(all.map((rows) => rows[index] as Row)))
}

function rowOf(what: string, cairn: Took, other: Took): Row {
	return { what, cairn, shell: other, ratio: other.seconds / cairn.seconds, cpuRatio: other.cpuSeconds / cairn.cpuSeconds }
}

function middle(rows: Row[]): Row {
	const of = (pick: (row: Row) => number) => median(rows.map(pick)) as number
	const took = (side: 'cairn' | 'shell') => ({ seconds: of((row) => row[side].seconds), cpuSeconds: of((row) => row[side].cpuSeconds), mib: of((row) => row[side].mib) })
	return { what: (rows[0] as Row).what, cairn: took('cairn'), shell: took('shell'), ratio: of((row) => row.ratio), cpuRatio: of((row) => row.cpuRatio) }
}

/** A new catalogue that knows the node and nothing on it. */
function install(): void {
	for (const name of ['catalogue.db', 'catalogue.db-wal', 'catalogue.db-shm', 'node/.cairn']) rmSync(join(dir, name), { recursive: true, force: true })
	const config = "export default { catalogue: 'catalogue.db', classes: [{ name: 'default', pattern: '', copies: 1 }] }\n"
	writeFileSync(join(dir, 'config.ts'), config, { mode: 0o600 })
	shell(`${CAIRN} init --config config.ts`)
	shell(`${CAIRN} node add a node --config config.ts`)
}

function walk(): Took {
	return shell(`${CAIRN} walk --quiet --config config.ts`)
}

function shell(command: string): Took {
	const said = spawnSync('/usr/bin/time', ['-f', '%e %U %S %M', 'sh', '-c', command], { cwd: dir, timeout: DEADLINE_MS, encoding: 'utf8' })
	if (said.status !== 0) throw new Error(`${command}: ${said.stderr}`)
	const [seconds, user, system, kib] = (said.stderr.trimEnd().split('\n').at(-1) as string).split(' ').map(Number) as [number, number, number, number]
	return { seconds, cpuSeconds: user + system, mib: kib / 1_024 }
}

function report(rows: Row[]): void {
	if (options.json) return console.log(JSON.stringify(rows, null, 2))
	for (const { what, cairn, shell: other, ratio, cpuRatio } of rows) {
		console.log(`${what}: ${toldOf(cairn)}, ${cairn.mib.toFixed(0)} MiB; the shell ${toldOf(other)}; ratio ${ratio.toFixed(2)}, of the processor ${cpuRatio.toFixed(2)}`)
	}
}

function toldOf({ seconds, cpuSeconds }: Took): string {
	return `${seconds.toFixed(2)} s (processor ${cpuSeconds.toFixed(2)} s)`
}
