/**
 * What clients of several doors did at once with files in a few directories, and whether there is an order of it, each change at some moment between
 * question and answer, in which all answers are right (linearizability). Whatever is not one step for a door (copying, emptying, a
 * directory that is found and then listed) is several steps here, with those of others between them.
 */

export const DIRECTORIES = ['p', 'q', 'r']
export const FILES = ['x', 'y']

export interface Asked {
	kind: 'get' | 'list' | 'put' | 'delete' | 'remove' | 'move' | 'copy'
	directory: string
	file: string
	target: string
	overwrite: boolean
	content: string
}

export interface Answered extends Asked {
	/** Moments: of several at once each has its own. */
	began: number
	ended: number
	status: number
	body: string
}

type Contents = Record<string, string>
export type View = Record<string, Contents>

interface UnderWay {
	/** The one that was found. */
	id: number
	/** Of what is copied. */
	files: number
	copied: Contents
}

interface Tree {
	names: Record<string, number>
	/** By number; those of directories that gave way too. */
	directories: Record<number, Contents>
	/** By the place of the request in the history. */
	underWay: Record<number, UnderWay>
	next: number
}

type Step = [tree: Tree, isOver: boolean]
const STATES_MAX = 50_000

/** True also where there are more orders than anybody would want to try. */
export function isExplained(before: View, history: readonly Answered[], after: View): boolean {
	const seen = new Set<string>()
	const expected = JSON.stringify(sorted(after))

	function search(tree: Tree, over: ReadonlySet<number>): boolean {
		const key = `${[...over].sort((a, b) => a - b)}|${keyOf(tree)}`
		if (seen.has(key)) return false
		seen.add(key)
		if (over.size === history.length) return JSON.stringify(viewOf(tree)) === expected
		if (seen.size > STATES_MAX) return true
		const open = history.map((_, index) => index).filter((index) => !over.has(index))
		const soonest = Math.min(...open.map((index) => history[index].ended))
		return open.some((index) => {
			if (history[index].began > soonest) return false
			for (const [next, isOver] of steps(tree, history[index], index)) if (search(next, isOver ? new Set([...over, index]) : over)) return true
			return false
		})
	}

	const names = Object.fromEntries(Object.keys(before).map((name, index) => [name, index]))
	const directories = Object.fromEntries(Object.values(before).map((contents, index) => [index, contents]))
	return search({ names, directories, underWay: {}, next: Object.keys(before).length }, new Set())
}

function sorted(view: View): unknown {
	return DIRECTORIES.map((name) => view[name] && FILES.map((file) => view[name][file] ?? null))
}

function viewOf({ names, directories }: Tree): unknown {
	return sorted(Object.fromEntries(Object.entries(names).map(([name, id]) => [name, directories[id]])))
}

/** The same for trees that differ in their numbers only. */
function keyOf({ names, directories, underWay }: Tree): string {
	const numbers = new Map<number, number>()
	const number = (id: number) => numbers.get(id) ?? (numbers.set(id, numbers.size), numbers.size - 1)
	const named = DIRECTORIES.map((name) => (names[name] === undefined ? null : number(names[name])))
	const ways = Object.entries(underWay).map(([index, { id, ...rest }]) => [index, number(id), rest])
	return JSON.stringify([named, ways, [...numbers.keys()].map((id) => directories[id] && FILES.map((file) => directories[id][file]))])
}

function changed(tree: Tree, index: number, change: (copy: Tree) => void = () => undefined): Tree {
	const copy = structuredClone(tree)
	delete copy.underWay[index]
	change(copy)
	return copy
}

function withWay(tree: Tree, index: number, way: UnderWay): Tree {
	return { ...tree, underWay: { ...tree.underWay, [index]: way } }
}

/** Undefined: it is removed. */
function withFile(tree: Tree, id: number, file: string, content: string | undefined): Tree {
	const { [file]: _, ...others } = tree.directories[id] ?? {}
	return { ...tree, directories: { ...tree.directories, [id]: content === undefined ? others : { ...others, [file]: content } } }
}

function* steps(tree: Tree, asked: Answered, index: number): Generator<Step> {
	const { kind, status } = asked
	// Changed nothing; but for what was removed already.
	if (status === 409 || status >= 500) yield [changed(tree, index), true]
	if (kind === 'get') {
		const found = tree.directories[tree.names[asked.directory]]?.[asked.file]
		if (status === 404 ? found === undefined : found === asked.body) yield [tree, true]
	} else if (kind === 'move') yield* moving(tree, asked, index)
	else if (tree.underWay[index] === undefined) yield* beginning(tree, asked, index)
	else yield* goingOn(tree, asked, index, tree.underWay[index])
}

function* moving(tree: Tree, { directory, target, overwrite, status }: Answered, index: number): Generator<Step> {
	const source = tree.names[directory]
	const isFree = tree.names[target] === undefined
	if (status === 404 && source === undefined) yield [tree, true]
	if (status === 412 && !overwrite && !isFree) yield [tree, true]
	if (status >= 300 || source === undefined || !(overwrite || isFree)) return
	yield [changed(tree, index, ({ names }) => {
		names[target] = source
		delete names[directory]
	}), true]
}

/** The directory is found; somebody who puts something makes it where it is missing. */
function* beginning(tree: Tree, { kind, directory, file, target, overwrite, status }: Answered, index: number): Generator<Step> {
	const id = tree.names[directory]
	const isThere = kind === 'delete' ? tree.directories[id]?.[file] !== undefined : id !== undefined
	if (status === 404 && !isThere) yield [tree, true]
	if (kind === 'copy' && status === 412 && !overwrite && tree.names[target] !== undefined) yield [tree, true]
	if (isThere) yield [withWay(tree, index, { id, files: 0, copied: {} }), false]
	else if (kind === 'put') {
		yield [changed(tree, index, (copy) => {
			copy.names[directory] = copy.next
			copy.directories[copy.next++] = {}
		}), false]
	}
}

function* goingOn(tree: Tree, asked: Answered, index: number, { id, files, copied }: UnderWay): Generator<Step> {
	const { kind, directory, file, target, overwrite, content, status, body } = asked
	const contents = tree.directories[id]
	const isNamed = Object.values(tree.names).includes(id)
	const over = (change: (copy: Tree) => void): Step => [changed(tree, index, change), true]
	if (status === 404 && kind !== 'list' && (kind === 'remove' || !isNamed)) yield over(() => undefined)
	if (kind === 'copy' && status === 412 && !overwrite && tree.names[target] !== undefined) yield over(() => undefined)
	if (kind === 'list' && contents && body === FILES.filter((name) => contents[name] !== undefined).join()) yield over(() => undefined)
	if (kind === 'put') {
		// Made, and looked for once more.
		yield [changed(tree, index), false]
		const isAnswer = !isNamed || (status === 201) === (contents[file] === undefined)
		if (status < 300 && contents && isAnswer) yield [withFile(changed(tree, index), id, file, content), true]
	}
	if (kind === 'delete' && status < 300 && (!isNamed || contents?.[file] !== undefined)) yield [contents ? withFile(changed(tree, index), id, file, undefined) : changed(tree, index), true]
	if (kind === 'remove') {
		for (const name of Object.keys(contents ?? {})) yield [withFile(tree, id, name, undefined), false]
		const now = tree.names[directory]
		if (status < 300 && now !== undefined && Object.keys(tree.directories[now]).length === 0) yield over(({ names, directories }) => {
			delete names[directory]
			delete directories[now]
		})
	}
	if (kind !== 'copy') return
	if (files < FILES.length) {
		// By its path, which may lead elsewhere by now.
		for (const from of new Set([id, tree.names[directory]])) {
			const found = tree.directories[from]?.[FILES[files]]
			yield [withWay(tree, index, { id, files: files + 1, copied: found === undefined ? copied : { ...copied, [FILES[files]]: found } }), false]
		}
	} else if (status < 300 && tree.names[directory] === id && (overwrite || tree.names[target] === undefined)) {
		yield over((copy) => {
			copy.names[target] = copy.next
			copy.directories[copy.next++] = copied
		})
	}
}
