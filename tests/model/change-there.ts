/** One mount changes what a name leads to, the other uses it in the same moment; runs in hands, and says what was not as it should be. */
import fs from 'node:fs'
import { join } from 'node:path'
import * as libc from '../support/libc.ts'

interface Place {
	/** The mount that uses it. */
	here: string
	/** The mount that changes it. */
	there: string
}

function compare(wrong: string[], round: number, expected: string, use: () => string): void {
	try {
		const found = use()
		if (found !== expected) wrong.push(`round ${round}: ${found} for ${expected}`)
	} catch (error) {
		wrong.push(`round ${round}: ${(error as Error).message}`)
	}
}

/** As editors save: written beside, renamed over. */
export function savedOver({ here, there }: Place, rounds: number): string[] {
	const wrong: string[] = []
	const [mine, theirs] = [join(here, 'file'), join(there, 'file')]
	for (let round = 0; round < rounds; round++) {
		fs.writeFileSync(theirs, `old ${round}`)
		compare(wrong, round, `old ${round}`, () => fs.readFileSync(mine, 'latin1'))
		fs.writeFileSync(join(there, 'new'), `new ${round}`)
		fs.renameSync(join(there, 'new'), theirs)
		compare(wrong, round, `new ${round}`, () => fs.readFileSync(mine, 'latin1'))
	}
	return wrong
}

/** As `ln -sfn` does. */
export function repointed({ here, there }: Place, rounds: number): string[] {
	const wrong: string[] = []
	for (let round = 0; round < rounds; round++) {
		fs.symlinkSync(`target-${round}`, join(there, 'next'))
		fs.renameSync(join(there, 'next'), join(there, 'current'))
		compare(wrong, round, `target-${round}`, () => fs.readlinkSync(join(here, 'current')))
	}
	return wrong
}

/** Who uses it without opening it. */
export function changed({ here, there }: Place, rounds: number): string[] {
	const wrong: string[] = []
	const [mine, theirs] = [join(here, 'other'), join(there, 'other')]
	const used = [() => fs.linkSync(mine, join(here, 'link')), () => fs.chmodSync(mine, 0o600), () => fs.truncateSync(mine, 3)]
	for (let round = 0; round < rounds; round++) {
		fs.writeFileSync(theirs, 'old')
		fs.readFileSync(mine)
		fs.writeFileSync(join(there, 'new'), 'new')
		fs.renameSync(join(there, 'new'), theirs)
		compare(wrong, round, 'done', () => {
			used[round % used.length]()
			return 'done'
		})
		fs.rmSync(join(here, 'link'), { force: true })
	}
	return wrong
}

/** A directory that is removed and made again, as what empties it by `rm -r` and `mkdir` does; the name is made in the one that is there. */
export function madeAnew({ here, there }: Place, rounds: number): string[] {
	const wrong: string[] = []
	const [mine, theirs] = [join(here, 'directory'), join(there, 'directory')]
	const [made, source] = [join(mine, 'made'), join(here, 'source')]
	const makes: Array<() => void> = [
		() => fs.mkdirSync(made),
		() => fs.writeFileSync(made, ''),
		() => fs.symlinkSync('target', made),
		() => fs.linkSync(source, made),
		() => fs.renameSync(source, made),
	]
	for (let round = 0; round < Math.max(rounds, makes.length); round++) {
		fs.writeFileSync(source, '')
		fs.rmSync(theirs, { recursive: true, force: true })
		fs.mkdirSync(theirs)
		fs.readdirSync(mine)
		fs.statSync(mine)
		fs.rmdirSync(theirs)
		fs.mkdirSync(theirs)
		compare(wrong, round, 'made', () => {
			makes[round % makes.length]()
			return fs.readdirSync(theirs).toString()
		})
	}
	return wrong
}

/** A name is given to another file there and moved on here: the kernel moves what it knew of it, and has to find out that it is another's. */
export function movedOn(place: Place, rounds: number): string[] {
	const { here, there } = place
	const wrong: string[] = []
	const moves: Array<(name: string, further: string) => void> = [
		(name, further) => libc.rename(name, further),
		(name, further) => libc.rename(name, further, libc.RENAME_EXCHANGE),
		(name, further) => libc.rename(further, name, libc.RENAME_EXCHANGE),
	]
	fs.writeFileSync(join(there, 'sign'), '')
	for (let round = 0; round < rounds; round++) {
		const [mine, theirs] = [join(here, `moved-${round}`), join(there, `moved-${round}`)]
		fs.mkdirSync(theirs)
		for (const name of ['name', 'next', 'further']) fs.writeFileSync(join(theirs, name), name)
		untilTold(place, 3 * round)
		for (const name of ['name', 'further']) fs.readFileSync(join(mine, name))
		fs.renameSync(join(theirs, 'name'), join(theirs, 'before'))
		fs.renameSync(join(theirs, 'next'), join(theirs, 'name'))
		moves[round % moves.length](join(mine, 'name'), join(mine, 'further'))
		// Who opens it at once hears of what was done there. Others find it later.
		if (round % 2 === 0) compare(wrong, round, 'next', () => fs.readFileSync(join(mine, 'further'), 'latin1'))
		untilTold(place, 3 * round + 1)
		compare(wrong, round, 'next', () => fs.readFileSync(join(mine, 'further'), 'latin1'))
		untilTold({ here: there, there: here }, 3 * round + 2)
		compare(wrong, round, 'next', () => fs.readFileSync(join(theirs, 'further'), 'latin1'))
	}
	return wrong
}

/** The kernel of the mount here has heard of all that was done there before. */
function untilTold({ here, there }: Place, mark: number): void {
	const mode = 0o600 | (mark & 0o77)
	fs.chmodSync(join(there, 'sign'), mode)
	while ((fs.statSync(join(here, 'sign')).mode & 0o777) !== mode);
}
