/** The table: what is measured, on what, and what is asked of it. */
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import {
	bigFile,
	bigMib,
	createCommand,
	fileCount,
	flatTree,
	halfWorkTree,
	makeBigFile,
	makeTree,
	removeWorkTree,
	type Subject,
	spreadTree,
	wholeWorkTree,
	workTree,
} from './fixtures.ts'
import { run } from './processes.ts'

export interface Target {
	readonly system: string
	readonly against: string
	readonly atLeast: number
}

export interface Row {
	readonly id: string
	readonly title: string
	readonly unit: 'MiB/s' | '/s'
	readonly groups: readonly ('local' | 'network')[]
	/** Dentries and inodes are dropped before it. */
	readonly cold?: true
	readonly targets: readonly Target[]
	/** What is done and what bounds it, for the report. */
	readonly explanation: string
	/** Unmeasured. */
	prepare(bench: Bench, subject: Subject): Promise<void>
	/** A program of work/ with its arguments. */
	command(bench: Bench, subject: Subject): string[]
	/** Unmeasured, after a command that succeeded. */
	after?(bench: Bench, subject: Subject): Promise<void>
}

const RANDOM_READS = 100_000
const MAPPED_READS = 1_000_000
const WARM_PASSES = 20

const ofDisk = (atLeast: number): Target[] => [{ system: 'cairn-sqlite', against: 'disk', atLeast }]
const ofMergerfs = (atLeast: number): Target[] => [{ system: 'cairn-sqlite', against: 'mergerfs', atLeast }]
const overNetwork: Target = { system: 'cairn-sshfs', against: 'mergerfs-sshfs', atLeast: 5 }
const mariadbOfSqlite = (atLeast: number): Target => ({ system: 'cairn-mariadb', against: 'cairn-sqlite', atLeast })
const mariadbOfMergerfs: Target = { system: 'cairn-mariadb', against: 'mergerfs', atLeast: 1 }

const withBigFile = (bench: Bench, subject: Subject) => makeBigFile(bench, subject)
const withSpreadTree = (bench: Bench, subject: Subject) => makeTree(bench, subject, spreadTree(bench, subject))
const withFlatTree = (bench: Bench, subject: Subject) => makeTree(bench, subject, flatTree(bench, subject))

const scratch = (subject: Subject) => join(subject.running.root, 'written')
const writeScratch = (bench: Bench, subject: Subject) => [bench.program('write'), scratch(subject), `${bigMib(bench, subject)}`]
const removeScratch = async (subject: Subject) => {
	await run(['rm', scratch(subject)])
}

export const rows: readonly Row[] = [
	{
		id: 'write',
		title: 'sequential write',
		unit: 'MiB/s',
		groups: ['local'],
		targets: ofDisk(0.9),
		explanation:
			'A new file in blocks of 1 MiB, to the close, into the page cache (and no further: the disk would hide the filesystem). Cairn hands the file to the kernel (passthrough); mergerfs and fuse-native carry each block through a process.',
		prepare: async (bench, subject) => {
			// Once unmeasured: on a virtual machine memory that nothing used for a while is slow to get, and who comes first pays.
			await run(writeScratch(bench, subject))
			await removeScratch(subject)
		},
		command: writeScratch,
		after: (_bench, subject) => removeScratch(subject),
	},
	{
		id: 'read',
		title: 'sequential read',
		unit: 'MiB/s',
		groups: ['local'],
		targets: ofDisk(0.9),
		explanation: 'The same file in blocks of 1 MiB, from the page cache: what the layer costs, not what the disk gives.',
		prepare: withBigFile,
		command: (bench, subject) => [bench.program('read'), bigFile(subject), `${bigMib(bench, subject)}`],
	},
	{
		id: 'pread',
		title: 'random 4 KiB read',
		unit: '/s',
		groups: ['local'],
		targets: ofDisk(0.9),
		explanation: 'pread(2) of 4 KiB at random places of the same file: one system call each, and with a carrying filesystem one request each.',
		prepare: withBigFile,
		command: (bench, subject) => [bench.program('pread'), bigFile(subject), `${RANDOM_READS * subject.system.share}`],
	},
	{
		id: 'mmap',
		title: 'mmap read',
		unit: '/s',
		groups: ['local'],
		targets: ofDisk(0.9),
		explanation: 'Copies of 4 KiB from random places of a shared mapping, page faults included. mergerfs with cache.files=off cannot map shared.',
		prepare: withBigFile,
		command: (bench, subject) => [bench.program('mmap'), bigFile(subject), `${MAPPED_READS * subject.system.share}`],
	},
	{
		id: 'warm-stat',
		title: 'warm stat',
		unit: '/s',
		groups: ['local'],
		targets: ofDisk(0.85),
		explanation: 'stat(2) of names that were looked up just before: the kernel answers as long as it may keep what it was told.',
		prepare: withSpreadTree,
		command: (bench, subject) => [bench.program('stat'), ...spreadTree(bench, subject), `${Math.ceil(WARM_PASSES * subject.system.share)}`],
	},
	{
		id: 'cold-stat',
		title: 'cold stat, a directory at a time',
		unit: '/s',
		groups: ['local', 'network'],
		cold: true,
		targets: [...ofMergerfs(1), mariadbOfSqlite(0.3), overNetwork],
		explanation:
			'stat(2) of known names, 100 directories one after the other, dentries and inodes dropped before. One lookup request each; mergerfs asks its branches in turn, Cairn its catalogue.',
		prepare: withSpreadTree,
		command: (bench, subject) => [bench.program('stat'), ...spreadTree(bench, subject), '0'],
	},
	{
		id: 'list',
		title: '`ls -l`',
		unit: '/s',
		groups: ['local', 'network'],
		cold: true,
		targets: [...ofMergerfs(1.5), mariadbOfSqlite(0.3), mariadbOfMergerfs, overNetwork],
		explanation: '`ls -l` of one directory with all the files, cold. Entries per second. Listings that carry attributes (readdirplus) spare a lookup per name.',
		prepare: withFlatTree,
		command: (bench, subject) => timed(bench, subject, { command: ['ls', '-l', join(flatTree(bench, subject)[0], 'd000')] }),
	},
	{
		id: 'find',
		title: '`find`',
		unit: '/s',
		groups: ['local', 'network'],
		cold: true,
		targets: [...ofMergerfs(1.3), mariadbOfSqlite(0.3), mariadbOfMergerfs, overNetwork],
		explanation: '`find` over 100 directories, cold. Entries per second. It needs names and types only: no lookup per file.',
		prepare: withSpreadTree,
		command: (bench, subject) => timed(bench, subject, { command: ['find', spreadTree(bench, subject)[0]] }),
	},
	{
		id: 'find-attributes',
		title: '`find -size`',
		unit: '/s',
		groups: ['local'],
		cold: true,
		targets: [],
		explanation: '`find -size +1G` over the same tree: the attributes of every file are needed.',
		prepare: withSpreadTree,
		command: (bench, subject) => timed(bench, subject, { command: ['find', spreadTree(bench, subject)[0], '-size', '+1G'] }),
	},
	{
		id: 'open',
		title: 'open+read+close of small files',
		unit: '/s',
		groups: ['local'],
		cold: true,
		targets: ofMergerfs(1),
		explanation: 'Each file of 1 KiB opened, read to its end and closed, cold names: lookup, open, flush and release, plus a read where the kernel may not do it.',
		prepare: withSpreadTree,
		command: (bench, subject) => [bench.program('open'), ...spreadTree(bench, subject)],
	},
	{
		id: 'create',
		title: 'create+write+close',
		unit: '/s',
		groups: ['local'],
		targets: [...ofMergerfs(0.9), mariadbOfSqlite(0.25)],
		explanation: 'New files of 1 KiB in 100 directories. Cairn does it in the catalogue and on a node: two transactions, one to create and one to publish.',
		prepare: removeWorkTree,
		command: (bench, subject) => createCommand(bench, workTree(bench, subject)),
		after: async (_bench, subject) => {
			subject.work = { prefix: 'f', half: false }
		},
	},
	{
		id: 'rename',
		title: 'rename',
		unit: '/s',
		groups: ['local'],
		targets: ofMergerfs(0.9),
		explanation: 'Each file to another name in its directory.',
		prepare: wholeWorkTree,
		command: (bench, subject) => [bench.program('rename'), ...workTree(bench, subject), otherPrefix(subject)],
		after: async (_bench, subject) => {
			subject.work = { prefix: otherPrefix(subject), half: false }
		},
	},
	{
		id: 'unlink',
		title: 'unlink',
		unit: '/s',
		groups: ['local'],
		targets: ofMergerfs(0.9),
		explanation: 'Each file of half the directories.',
		prepare: wholeWorkTree,
		command: (bench, subject) => [bench.program('unlink'), ...workTree(bench, subject, 'half')],
		after: async (bench, subject) => {
			subject.work = { prefix: workTree(bench, subject)[3], half: true }
		},
	},
	{
		id: 'remove',
		title: '`rm -r`',
		unit: '/s',
		groups: ['local'],
		targets: ofMergerfs(0.9),
		explanation: '`rm -r` of the other half and of all the directories. Files per second.',
		prepare: halfWorkTree,
		command: (bench, subject) => timed(bench, subject, { command: ['rm', '-r', workTree(bench, subject)[0]], part: 0.5 }),
		after: async (_bench, subject) => {
			subject.work = undefined
		},
	},
]

function timed(bench: Bench, subject: Subject, { command, part = 1 }: { command: readonly string[]; part?: number }): string[] {
	return [bench.program('timed'), `${fileCount(bench, subject) * part}`, ...command]
}

function otherPrefix(subject: Subject): string {
	return subject.work?.prefix === 'g' ? 'f' : 'g'
}
