/**
 * Runs in hands: makes, renames, removes and reads small files, one call after the other, until a file says stop. A call that
 * fails leaves its names undecided; everything else is remembered, to be looked for afterwards.
 */
import fs from 'node:fs'
import { join } from 'node:path'
import { report } from '../support/hands-process.ts'

export interface Account {
	/** Files that are there, by name: their content is their number. */
	there: Map<string, string>
	/** Names that are not. */
	gone: Set<string>
	/** How calls failed. */
	errors: Record<string, number>
}

/** Told while it goes on: how many steps were carried out so far, and the errno where one was not. */
export interface Step {
	done: number
	failed?: string
}

/** `known` is a file that is there all the time. */
export async function writeSteadily(root: string, known: string, stopFile: string): Promise<Account> {
	const account: Account = { there: new Map(), gone: new Set(), errors: {} }
	let done = 0
	for (let number = 0; !fs.existsSync(stopFile); number++) {
		for (const step of stepsOf(account, root, number)) {
			const failed = attempt(account, step)
			if (failed === undefined) done++
			await report({ done, failed } satisfies Step)
		}
		attempt(account, { names: [], act: () => fs.statSync(join(root, known)), told: () => undefined })
	}
	return account
}

interface Deed {
	names: string[]
	act(): void
	/** What is so afterwards. */
	told(): void
}

function stepsOf({ there, gone }: Account, root: string, number: number): Deed[] {
	const [name, other] = [`w${number}`, `x${number}`]
	const text = `content ${number}`
	// What was not may have a name that can be changed.
	let isWritten = false
	const steps: Deed[] = [
		{
			names: [name],
			act: () => fs.writeFileSync(join(root, name), text, { flag: 'wx', flush: number % 4 === 0 }),
			told() {
				isWritten = true
				there.set(name, text)
			},
		},
	]
	if (number % 3 === 0) {
		steps.push({
			names: [name, other],
			act: () => fs.renameSync(join(root, name), join(root, other)),
			told() {
				if (isWritten) there.set(other, text)
				gone.add(name)
			},
		})
	}
	if (number % 3 === 1) steps.push({ names: [name], act: () => fs.unlinkSync(join(root, name)), told: () => void gone.add(name) })
	return steps
}

function attempt({ there, gone, errors }: Account, { names, act, told }: Deed): string | undefined {
	const wasThere = names.some((name) => there.has(name))
	for (const name of names) there.delete(name)
	try {
		act()
		told()
		return undefined
	} catch (error) {
		const { code = 'none' } = error as NodeJS.ErrnoException
		// Whether there is anything to rename or remove may have been left open by a failure before.
		if (wasThere || code !== 'ENOENT') errors[code] = (errors[code] ?? 0) + 1
		for (const name of names) gone.delete(name)
		return code
	}
}

/** Runs in hands, once all is well again: what is not as the account says. */
export function compare(root: string, { there, gone }: Account): string[] {
	const names = new Set(fs.readdirSync(root))
	const missing = [...there].filter(([name, text]) => !names.has(name) || fs.readFileSync(join(root, name), 'utf8') !== text)
	const back = [...gone].filter((name) => names.has(name))
	for (const name of names) if (/^[wx]\d/.test(name) && !there.has(name)) readUndecided(root, name)
	return [...missing.map(([name]) => `${name} is not what was written`), ...back.map((name) => `${name} is there again`)]
}

/** Of a create that failed the name may have been made, and lead to nothing until that is taken back: then it is gone, here in the middle of the open. */
function readUndecided(root: string, name: string): void {
	try {
		fs.readFileSync(join(root, name))
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || fs.readdirSync(root).includes(name)) throw error
	}
}
