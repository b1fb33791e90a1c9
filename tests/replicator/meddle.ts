/** Runs in a process of its own, on a mount: makes, rewrites, renames and removes, and says what has to be there at the end. */
import { mkdirSync, readFileSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export function meddle(root: string, rounds: number): Record<string, string> {
	const there = new Map<string, string>()
	for (let round = 0; round < rounds; round++) {
		const directory = `m${round % 5}`
		mkdirSync(join(root, directory), { recursive: true })
		const name = `${directory}/f${round}`
		writeFileSync(join(root, name), `${round}`)
		there.set(name, `${round}`)
		for (const step of [rewrite, rename, remove, moveDirectory]) step(root, there, round)
	}
	for (const [path, text] of there) if (readFileSync(join(root, path), 'utf8') !== text) throw new Error(`${path} is not what was written`)
	return Object.fromEntries(there)
}

function rewrite(root: string, there: Map<string, string>, round: number): void {
	const [path] = there.keys()
	if (round % 3 !== 0 || path === undefined) return
	writeFileSync(join(root, path), `again ${round}`)
	there.set(path, `again ${round}`)
}

function rename(root: string, there: Map<string, string>, round: number): void {
	const path = [...there.keys()].at(-2)
	if (round % 2 !== 0 || path === undefined) return
	const to = `r${round}`
	renameSync(join(root, path), join(root, to))
	there.set(to, there.get(path) as string)
	there.delete(path)
}

function remove(root: string, there: Map<string, string>, round: number): void {
	const path = [...there.keys()][1]
	if (round % 4 !== 0 || path === undefined) return
	unlinkSync(join(root, path))
	there.delete(path)
}

/** Two directories change names by way of a third. */
function moveDirectory(root: string, there: Map<string, string>, round: number): void {
	if (round % 7 !== 6) return
	mkdirSync(join(root, 'aside'))
	for (const [from, to] of [['m0', 'aside/x'], ['m1', 'm0'], ['aside/x', 'm1']]) renameSync(join(root, from), join(root, to))
	rmdirSync(join(root, 'aside'))
	const moved = [...there].filter(([path]) => /^m[01]\//.test(path))
	for (const [path] of moved) there.delete(path)
	for (const [path, text] of moved) there.set(`${path.startsWith('m0') ? 'm1' : 'm0'}${path.slice(2)}`, text)
}
