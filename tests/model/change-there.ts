/** One mount changes what a name leads to, the other uses it in the same moment; runs in hands, and says what was not as it should be. */
import fs from 'node:fs'
import { join } from 'node:path'

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
