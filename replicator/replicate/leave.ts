/** What is done about a wanted copy that cannot be made here and now. */
import type { Path } from '../../core/ids.ts'
import { showPath } from '../../core/text.ts'
import type { Want } from './look.ts'
import { wantElsewhere } from './elsewhere.ts'
import { patiently } from './patience.ts'
import type { Round } from './round.ts'

/** Another node's, if there is one for it; else the next run's. A full disk is one trouble, however many files it is too small for. */
export async function passOn(round: Round, want: Want, why: string): Promise<void> {
	const { run, node } = round.rep
	if (await patiently(run, () => wantElsewhere(round, want))) return run.done('moved', 0)
	round.cramped++
	if (round.cramped === 1) run.trouble(pathOf(want), `node ${node.name}: ${why}, and no other node can take it`)
	else run.done('left', 0)
}

export function leave({ rep: { run } }: Round, want: Want, why: string): void {
	run.trouble(pathOf(want), why)
}

/** A node that cannot be reached is one trouble, however many files have their only good copy there. */
export function leaveAway({ rep: { run }, away }: Round, want: Want, why: string): void {
	const many = (away.get(why) ?? 0) + 1
	away.set(why, many)
	if (many === 1) run.trouble(pathOf(want), why)
	else run.done('left', 0)
}

export function shown(want: Want): string {
	return showPath(pathOf(want))
}

export function pathOf({ places }: Want): Path {
	return places[0].path
}
