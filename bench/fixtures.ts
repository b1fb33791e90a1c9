/** What rows find in the tree of a system: made once per system, except the work tree, which rows make and unmake. */
import { join, relative } from 'node:path'
import type { Bench } from './bench.ts'
import { run } from './processes.ts'
import type { Running, System } from './systems/system.ts'

const FILE_BYTES = 1024
const DIRECTORIES = 100
const DEADLINE_MS = 300_000

/** A running system with what is known of its tree. */
export interface Subject {
	readonly system: System
	readonly running: Running
	readonly made: Set<string>
	/** The tree that create, rename, unlink and rm -r work on; undefined when nothing is known of it. */
	work: { prefix: string; half: boolean } | undefined
}

export function subjectOf(system: System, running: Running): Subject {
	return { system, running, made: new Set(), work: undefined }
}

/** Arguments as the programs take them: ROOT DIRECTORIES FILES PREFIX. */
export type Tree = readonly [root: string, directories: string, files: string, prefix: string]

/** 100 directories with the files spread over them. */
export function spreadTree(bench: Bench, subject: Subject): Tree {
	return [join(subject.running.root, 'tree'), `${DIRECTORIES}`, `${filesPerDirectory(bench, subject)}`, 'f']
}

/** One directory with all the files: `flat/d000`. */
export function flatTree(bench: Bench, subject: Subject): Tree {
	return [join(subject.running.root, 'flat'), '1', `${fileCount(bench, subject)}`, 'f']
}

export async function makeTree(bench: Bench, subject: Subject, tree: Tree): Promise<void> {
	const [root, ...shape] = tree
	const { root: top, source = top } = subject.running
	await once(subject, root, () => createTree(bench, [join(source, relative(top, root)), ...shape]))
}

export function bigFile(subject: Subject): string {
	return join(subject.running.root, 'big')
}

export function bigMib(bench: Bench, subject: Subject): number {
	return bench.options.bigMib * subject.system.share
}

export async function makeBigFile(bench: Bench, subject: Subject): Promise<void> {
	await once(subject, 'big', () => run([bench.program('write'), bigFile(subject), `${bigMib(bench, subject)}`], { deadlineMs: DEADLINE_MS }))
}

export function workTree(bench: Bench, subject: Subject, part: 'whole' | 'half' = 'whole'): Tree {
	const directories = part === 'half' ? DIRECTORIES / 2 : DIRECTORIES
	return [join(subject.running.root, 'work'), `${directories}`, `${filesPerDirectory(bench, subject)}`, subject.work?.prefix ?? 'f']
}

export async function removeWorkTree(bench: Bench, subject: Subject): Promise<void> {
	await run(['rm', '-rf', workTree(bench, subject)[0]], { deadlineMs: DEADLINE_MS })
	subject.work = undefined
}

/** Of each tree. */
export function fileCount(bench: Bench, subject: Subject): number {
	return Math.max(DIRECTORIES, Math.floor((bench.options.files * subject.system.share) / DIRECTORIES) * DIRECTORIES)
}

/** All its files are there. */
export async function wholeWorkTree(bench: Bench, subject: Subject): Promise<void> {
	if (subject.work && !subject.work.half) return
	await removeWorkTree(bench, subject)
	await createTree(bench, workTree(bench, subject))
	subject.work = { prefix: 'f', half: false }
}

/** The files of the second half of its directories are there; the first half is empty. */
export async function halfWorkTree(bench: Bench, subject: Subject): Promise<void> {
	if (subject.work?.half) return
	await wholeWorkTree(bench, subject)
	await run([bench.program('unlink'), ...workTree(bench, subject, 'half')], { deadlineMs: DEADLINE_MS })
	subject.work = { prefix: workTree(bench, subject)[3], half: true }
}

export function createCommand(bench: Bench, tree: Tree): string[] {
	return [bench.program('create'), ...tree, `${FILE_BYTES}`]
}

async function createTree(bench: Bench, tree: Tree): Promise<void> {
	await run(createCommand(bench, tree), { deadlineMs: DEADLINE_MS })
}

async function once(subject: Subject, what: string, make: () => Promise<unknown>): Promise<void> {
	if (subject.made.has(what)) return
	await make()
	subject.made.add(what)
}

function filesPerDirectory(bench: Bench, subject: Subject): number {
	return Math.max(1, Math.floor(fileCount(bench, subject) / DIRECTORIES))
}
