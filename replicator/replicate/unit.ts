/** A few small files, or a large one, from the first look to the last name. */
import { KIND } from '../../core/catalogue/files.ts'
import { codeOf } from '../../core/errors.ts'
import type { FileId, Path } from '../../core/ids.ts'
import { isNodeTrouble } from '../../core/nodes/trouble.ts'
import { run as drive } from '../../core/op.ts'
import { copyWants } from './copies.ts'
import { type Entered, enter, type Made } from './enter.ts'
import { newTray } from './incoming.ts'
import { leave, passOn, pathOf } from './leave.ts'
import { isUnsettled, look, type Want } from './look.ts'
import { patiently } from './patience.ts'
import { carryOut, makeWay } from './place.ts'
import { copyPlain } from './plain.ts'
import type { End, Round } from './round.ts'
import { standingOf } from './standing.ts'

export async function doUnit(round: Round, all: readonly FileId[]): Promise<void> {
	const ids = await copyPlain(round, all)
	if (ids.length > 0) await doEach(round, ids)
}

async function doEach(round: Round, ids: readonly FileId[]): Promise<void> {
	const { fs, node, run } = round.rep
	const looked = await patiently(run, async () => drive(look(fs.catalogue, node.id, ids)))
	const wants = ids.flatMap((id) => looked.wants.get(id) ?? [])
	for (const id of ids) if (!looked.wants.has(id)) run.done('gone', 0)
	const settled = wants.filter((want) => !isUnsettled(want))
	ended(round, wants.filter(isUnsettled), 'busy')
	await round.hold('looked', ids)
	const roomy: Want[] = []
	const cramped: Want[] = []
	for (const want of settled) (!isRegular(want) || round.room.take(want.file.size) ? roomy : cramped).push(want)
	const tray = newTray()
	try {
		const made = [
			...roomy.filter(isSymlink).map(symlinkOf),
			...(await copyWants(round, roomy.filter(isRegular), { tray, isStanding: looked.isStanding })),
		]
		for (const want of roomy) if (!isSymlink(want) && !isRegular(want)) leave(round, want, 'it is neither a file nor a symlink')
		await round.hold(
			'copied',
			made.map(({ want }) => want.file.id),
		)
		if (made.length > 0) await makeCount(round, made)
	} finally {
		for (const want of roomy) if (isRegular(want)) round.room.give(want.file.size)
		if (tray.path) await removeTray(round, tray.path)
	}
	for (const want of cramped) await passOn(round, want, 'there is no room for it')
}

/** What has not come to its name stays in it, for the intents that stand or for whoever begins the next run. */
export async function removeTray({ rep: { node } }: Pick<Round, 'rep'>, path: Path): Promise<void> {
	try {
		await node.operations.removeDirectory(path)
	} catch (error) {
		if (codeOf(error) !== 'ENOTEMPTY' && !isNodeTrouble(error)) throw error
	}
}

function isRegular({ file }: Want): boolean {
	return file.kind === KIND.regular
}

function isSymlink({ file }: Want): boolean {
	return file.kind === KIND.symlink
}

function symlinkOf(want: Want): Made {
	return { want, asides: [], ino: 0, hash: undefined, from: undefined }
}

async function makeCount(round: Round, made: readonly Made[]): Promise<void> {
	const { fs, run } = round.rep
	const token = fs.nextToken++
	const verdicts = await patiently(run, () => enter(round, made, token))
	const entered: Entered[] = []
	for (const each of made) {
		const verdict = verdicts.get(each.want.file.id)
		if (verdict && 'entered' in verdict) entered.push(verdict.entered)
		else await refuse(round, each, verdict ? verdict.refused : 'lost')
	}
	round.underWay.set(token, standingOf(entered.flatMap((each) => each.intents)))
	try {
		await bring(round, entered)
	} finally {
		round.underWay.delete(token)
	}
}

/** To their names. */
async function bring(round: Round, entered: readonly Entered[]): Promise<void> {
	const { node, run } = round.rep
	await round.hold(
		'entered',
		entered.map(({ made: { want } }) => want.file.id),
	)
	await makeWay(round, new Set(entered.flatMap(({ made }) => made.want.places.map(({ directory }) => directory))))
	const missed = new Set(await carryOut(round, entered))
	for (const each of entered) {
		const { want } = each.made
		if (missed.has(each)) run.trouble(pathOf(want), `its copy did not come to its place on node ${node.name}`)
		else run.done(isSymlink(want) ? 'linked' : 'copied', want.file.size)
	}
}

async function refuse({ rep: { node, run } }: Round, { want, asides }: Made, why: 'busy' | 'gone' | 'lost'): Promise<void> {
	for (const aside of asides) await node.operations.unlink(aside)
	if (why === 'lost') run.trouble(pathOf(want), 'another process looks after the node now')
	else run.done(why, 0)
}

function ended({ rep: { run } }: Round, wants: readonly Want[], end: End): void {
	for (let many = wants.length; many > 0; many--) run.done(end, 0)
}
