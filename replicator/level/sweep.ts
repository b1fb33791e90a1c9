/** Goes over pages of files: plans each, and has those decided where something is to change. */
import type { FileId } from '../../core/ids.ts'
import type { Maybe } from '../../core/op.ts'
import { classById } from '../../core/placement/placement.ts'
import { createBreath } from '../breath.ts'
import { type Asked, changesAnything, type Decided, decide, FILES_AT_ONCE, type Round } from './decide.ts'
import type { Held, Page } from './pages.ts'
import { type Plan, planFile } from './plan.ts'

export interface Sweep {
	pages: AsyncIterable<Page>
	/** The class a file falls under now; by default the one it has. */
	classOf?(file: Held): Maybe<number>
	/** Told of each file, with what was decided or, where nothing was to change, what was planned. */
	each(file: Held, decided: Decided): void | Promise<void>
	/** After each page; false ends the sweep there. */
	turned(last: FileId): boolean | Promise<boolean>
}

/** True when it came to the end of the pages. */
export async function sweep(round: Round, { pages, classOf = (file) => file.class_id, each, turned }: Sweep): Promise<boolean> {
	const breath = createBreath()
	for await (const { files, last } of pages) {
		await breath()
		if (!(await sweepPage(round, files, classOf, each))) return false
		if (!(await turned(last)) || round.run.signal.aborted) return false
	}
	return true
}

async function sweepPage(
	round: Round,
	files: readonly Held[],
	classOf: (file: Held) => Maybe<number>,
	each: Sweep['each'],
): Promise<boolean> {
	const planned: Planned[] = []
	for (const file of files) planned.push(planOf(round, file, await classOf(file)))
	const toDecide = planned.filter(({ file, classId, plan }) => classId !== file.class_id || changesAnything(plan))
	const decided = new Map<FileId, Decided>()
	for (let from = 0; from < toDecide.length; from += FILES_AT_ONCE) {
		const asked = toDecide
			.slice(from, from + FILES_AT_ONCE)
			.map(({ file, classId }): Asked => ({ id: file.id, classId: classId === file.class_id ? undefined : classId }))
		const some = await decide(round, asked)
		if (!some) return false
		for (const one of some) decided.set(one.id, one)
	}
	for (const { file, classId, plan } of planned) {
		await each(file, decided.get(file.id) ?? { id: file.id, size: file.size, classId, copies: file.copies, plan, busy: false })
	}
	return true
}

interface Planned {
	file: Held
	classId: number
	plan: Plan
}

function planOf({ fs, nodes, keepSpare }: Round, file: Held, classId: number): Planned {
	return { file, classId, plan: planFile(file, classById(fs, classId), file.copies, nodes, { keepSpare }) }
}
