/**
 * A copy that is made beside the place it is for, and takes that place in one step when all of it is there: who looks sees what was there
 * before or the whole copy, and what fails in between leaves nothing. A stake in the catalogue says whose half copy that is: what a
 * process leaves that was killed, another removes.
 */
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as clients from '../../core/catalogue/clients.ts'
import * as entries from '../../core/catalogue/entries.ts'
import { type FileRow, KIND } from '../../core/catalogue/files.ts'
import * as leases from '../../core/catalogue/leases.ts'
import { codeOf, fail, Undecided } from '../../core/errors.ts'
import type { Expected } from '../../core/filesystem/expected.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { rename, type RenameCheck, type RenameMode, renameOver } from '../../core/filesystem/rename.ts'
import type { FileId, Path } from '../../core/ids.ts'
import { type Maybe, type Op, run, wait } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { copyTree, type CopyOptions, type Source, type Target } from './copy-tree.ts'
import { removeTree } from './remove-tree.ts'

const NAME = '.cairn-copy-'
const STAKE = 'copy:'
const STAKES = [STAKE, 'copy;'] as const
/** Beside the stake: what has its name by now was replaced, and is no copy. */
const REPLACED = 'copy-replaced:'
/** Longer than any copying lasts. */
const LASTS_SECONDS = 30 * 86_400

/** Something of it is not where it was. */
const MOVED = new Set(['ENOENT', 'ESTALE', 'ENOTEMPTY'])
const ATTEMPTS_MAX = 5

/** Of this process. */
const underWay = new Set<string>()

export interface BesideOptions extends Pick<CopyOptions, 'shallow' | 'modified'> {
	/** What has the place now gives way; else nothing may have it. */
	replaces: FileRow | undefined
	/** Asked in the transaction in which the copy takes its place. */
	check: RenameCheck
}

/** `path` leads to the source. EEXIST where something has the place that need not give way. */
export async function copyBeside(api: Api, path: Path, source: Source, to: Target, { replaces, check, ...how }: BesideOptions): Promise<void> {
	const { fs } = api
	await withStake(api, to.place.parent, to.place, async (stake) => {
		const place = placeOf(stake)
		await copyTree(api, path, source, { place, path: to.path }, { ...how, onItsWay: true, passesOver: (each) => isStaked(fs, each) })
		await takePlace(fs, place, to.place, { source, replaces, check: claimed(fs, stake, check) })
	})
}

export interface Over {
	source: Place
	/** Where something stands that gives way. */
	target: Place
	check?: RenameCheck
}

/** In one step: the source's name is free with it. */
export async function moveOver(api: Api, { source, target, check }: Over): Promise<void> {
	const { fs } = api
	try {
		await withStake(api, source.parent, target, (stake) => run(renameOver(fs, source, target, placeOf(stake).name, claimed(fs, stake, check))))
	} catch (error) {
		// What was to give way is gone already; or the source, which shows once more.
		if (codeOf(error) !== 'ENOENT') throw error
		await run(rename(fs, source, target, 'noreplace', check))
	}
}

/** In a name below `parent`, until `use` has ended and what has that name by then is gone: half a copy, or what was replaced, which was at `formerly`. */
async function withStake(api: Api, parent: FileId, formerly: Place, use: (stake: leases.Stake) => Maybe<void>): Promise<void> {
	const { fs } = api
	const stake = { name: `${STAKE}${fs.client}-${fs.returns}-${fs.nextToken++}`, client_id: fs.client, token: parent }
	let undecided: Undecided | undefined
	underWay.add(stake.name)
	try {
		await write(fs, (tx) => leases.putStake(tx, stake, LASTS_SECONDS, fs.capabilities))
		try {
			await use(stake)
		} catch (error) {
			if (error instanceof Undecided) undecided = error
			throw error
		} finally {
			if (!undecided) await clear(api, stake, formerly)
		}
	} finally {
		underWay.delete(stake.name)
		if (undecided) clearWhenKnown(api, undecided)
	}
}

/** What cannot be removed now, `removeLeftCopies` tries again. */
async function clear({ fs, report }: Api, stake: leases.Stake, formerly: Place): Promise<void> {
	try {
		await removeAt(fs, stake, formerly)
		await drop(fs, stake)
	} catch (error) {
		report(`copying, or moving: what it left, or replaced, stays for now (${codeOf(error)})`)
	}
}

/** It may have taken its place, or be about to: until that is known nobody knows what is to be removed. */
function clearWhenKnown(api: Api, { open }: Undecided): void {
	open.outcome.then(() => removeLeftCopies(api)).catch((error: Error) => api.report(`a copy that may have taken its place: ${error.message}`))
}

function placeOf({ name, token }: leases.Stake): Place {
	return { parent: token, name: Buffer.from(NAME + name.slice(STAKE.length)) }
}

function replacedOf({ name }: leases.Stake): string {
	return REPLACED + name.slice(STAKE.length)
}

async function drop(fs: Filesystem, stake: leases.Stake): Promise<void> {
	await write(fs, (tx) => {
		for (const name of [stake.name, replacedOf(stake)]) leases.drop(tx, name)
	})
}

/**
 * What is being copied to there, or was replaced there, and nobody looks for: it goes, or takes another place. It may be this very copy, where somebody moves
 * the directory it is made in below what is copied.
 */
async function isStaked({ catalogue }: Filesystem, { parent, name }: Place): Promise<boolean> {
	const text = name.toString()
	if (!text.startsWith(NAME)) return false
	return (await leases.stake(catalogue, STAKE + text.slice(NAME.length)))?.token === parent
}

async function write(fs: Filesystem, statements: (tx: Transaction) => void): Promise<void> {
	await transact(fs, function* (tx) {
		statements(tx)
	})
}

/** Whoever took this process for dead may be removing it at this moment. */
function claimed(fs: Filesystem, stake: leases.Stake, check: RenameCheck | undefined): RenameCheck {
	return function* (tx, source, target) {
		if (!(yield* leases.stillHeld(fs, tx, stake.name))) fail('EIO', 'this process was taken for dead, and what it was about is given up')
		if (check) yield* check(tx, source, target)
		if (target) leases.putStake(tx, { ...stake, name: replacedOf(stake) }, LASTS_SECONDS, fs.capabilities)
	}
}

async function takePlace(fs: Filesystem, from: Place, to: Place, { source, replaces, check }: Pick<BesideOptions, 'replaces' | 'check'> & { source: Source }): Promise<void> {
	const changesPlaces = replaces !== undefined && (replaces.kind === KIND.directory || source.kind === KIND.directory)
	const mode: RenameMode = changesPlaces ? 'exchange' : replaces ? 'replace' : 'noreplace'
	try {
		await run(rename(fs, from, to, mode, check))
	} catch (error) {
		// What was to give way is gone already.
		if (mode !== 'exchange' || codeOf(error) !== 'ENOENT') throw error
		await run(rename(fs, from, to, 'noreplace', check))
	}
}

/** What was replaced the trash may want. Somebody who was in it when it gave way may still be at work there: what he moves is not to be what is looked for. */
async function removeAt(fs: Filesystem, stake: leases.Stake, formerly: Place): Promise<void> {
	const place = placeOf(stake)
	for (let attempt = 1; ; attempt++) {
		const [[row], [replaced]] = (await fs.catalogue.read(entries.lookupQuery(place.parent, place.name), leases.stakeQuery(replacedOf(stake)))) as [FileRow[], leases.Stake[]]
		if (!row) return
		const expected: Expected = replaced ? { formerly: { id: row.id, place: formerly } } : { forGood: true }
		try {
			return await removeTree(fs, place, row, { only: row.id, ...expected })
		} catch (error) {
			if (!MOVED.has(codeOf(error)) || attempt === ATTEMPTS_MAX) throw error
		}
	}
}

/** Of processes that are gone, and what this one could not remove when it was to. */
export async function removeLeftCopies(api: Api): Promise<void> {
	const { fs } = api
	for (const stake of await leases.stakes(fs.catalogue, STAKES, fs.capabilities)) {
		if (underWay.has(stake.name) || !(await run(isLeft(fs, stake)))) continue
		underWay.add(stake.name)
		try {
			await api.changing(async () => {
				await write(fs, (tx) => leases.putStake(tx, { ...stake, client_id: fs.client }, LASTS_SECONDS, fs.capabilities))
				await removeAt(fs, stake, placeOf(stake))
				await drop(fs, stake)
			})
		} finally {
			underWay.delete(stake.name)
		}
	}
}

function* isLeft(fs: Filesystem, { client_id }: leases.Stake): Op<boolean> {
	return client_id === fs.client || (yield* wait(clients.find(fs.catalogue, client_id, ''))) === undefined
}
