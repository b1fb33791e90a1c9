/** The calls a model run chooses from: each done on the model and, through hands, on a mount. */
import { join } from 'node:path'
import type { Hands } from '../support/hands.ts'
import type { Random } from '../support/random.ts'
import { BARRIER } from './everything.ts'
import type { Model } from './model.ts'

export interface Call {
	words: string
	/** The file whose bytes it needs: it may fail with an I/O error while a node is away. */
	content: string | undefined
	changes: boolean
	onModel(model: Model): unknown
	onMount(hands: Hands, root: string): Promise<unknown>
}

const FILES = ['f1', 'f2', 'f3', 'f4', 'f5', 'Füße', 'F1']
const DIRECTORIES = ['d1', 'd2', 'd3']
const LINKS = ['l1', 'l2']
const CONTENT_BYTES_MAX = 70_000

function below(random: Random, names: readonly string[]): string {
	const parts = Array.from({ length: random.below(3) }, () => random.pick(DIRECTORIES))
	return [...parts, random.pick(names)].join('/')
}

type Chooser = (random: Random) => Call

const file = (random: Random) => below(random, FILES)
const directory = (random: Random) => below(random, DIRECTORIES)
const anything = (random: Random) => below(random, random.pick([FILES, FILES, DIRECTORIES, LINKS]))

const CHOOSERS: [weight: number, chooser: Chooser][] = [
	[10, (random) => {
		const [path, data] = [file(random), random.bytes(random.below(CONTENT_BYTES_MAX))]
		return content(path, `write ${path} ${data.length} bytes`, (model) => model.write(path, data), (hands, root) => hands.do('write', join(root, path), data))
	}],
	[5, (random) => {
		const [path, data] = [file(random), random.bytes(random.below(5000))]
		return content(path, `append ${path} ${data.length} bytes`, (model) => model.append(path, data), (hands, root) => hands.do('append', join(root, path), data))
	}],
	[5, (random) => {
		const [path, data, at] = [file(random), random.bytes(1 + random.below(20_000)), random.below(CONTENT_BYTES_MAX)]
		return content(path, `write ${path} at ${at}, ${data.length} bytes`, (model) => model.writeAt(path, data, at), async (hands, root) => {
			await hands.do('writeAt', join(root, path), data, at)
		})
	}],
	[3, (random) => {
		const [path, size] = [file(random), random.below(CONTENT_BYTES_MAX)]
		return content(path, `truncate ${path} to ${size}`, (model) => model.truncate(path, size), (hands, root) => hands.do('truncate', join(root, path), size))
	}],
	[12, (random) => {
		const path = file(random)
		return { ...content(path, `read ${path}`, (model) => model.read(path), (hands, root) => hands.do('read', join(root, path))), changes: false }
	}],
	[6, (random) => {
		const path = random.chance(0.3) ? '' : directory(random)
		return { ...name(`readdir ${path}`, (model) => model.readdir(path), async (hands, root) => named(await hands.do('readdir', join(root, path)))), changes: false }
	}],
	[6, (random) => {
		const path = directory(random)
		return name(`mkdir ${path}`, (model) => model.mkdir(path), (hands, root) => hands.do('mkdir', join(root, path)))
	}],
	[4, (random) => {
		const path = directory(random)
		return name(`rmdir ${path}`, (model) => model.rmdir(path), (hands, root) => hands.do('rmdir', join(root, path)))
	}],
	[8, (random) => {
		const path = anything(random)
		return name(`unlink ${path}`, (model) => model.unlink(path), (hands, root) => hands.do('unlink', join(root, path)))
	}],
	[8, (random) => {
		const [from, to] = [file(random), file(random)]
		return name(`rename ${from} to ${to}`, (model) => model.rename(from, to), (hands, root) => hands.do('rename', join(root, from), join(root, to)))
	}],
	[5, (random) => {
		const [from, to] = [directory(random), directory(random)]
		return name(`rename ${from} to ${to}`, (model) => model.rename(from, to), (hands, root) => hands.do('rename', join(root, from), join(root, to)))
	}],
	[4, (random) => {
		const [from, to] = [file(random), file(random)]
		return name(`link ${from} to ${to}`, (model) => model.link(from, to), (hands, root) => hands.do('link', join(root, from), join(root, to)))
	}],
	[3, (random) => {
		const path = below(random, LINKS)
		return name(`symlink ${path}`, (model) => model.symlink('nowhere', path), (hands, root) => hands.do('symlink', 'nowhere', join(root, path)))
	}],
	[2, (random) => {
		const path = below(random, LINKS)
		return { ...name(`readlink ${path}`, (model) => model.readlink(path), (hands, root) => hands.do('readlink', join(root, path))), changes: false }
	}],
]

type OnModel = Call['onModel']
type OnMount = Call['onMount']

function content(path: string, words: string, onModel: OnModel, onMount: OnMount): Call {
	return { words, content: path, changes: true, onModel, onMount }
}

function name(words: string, onModel: OnModel, onMount: OnMount): Call {
	return { words, content: undefined, changes: true, onModel, onMount }
}

/** What the two mounts need beside the tree is no part of the model; names come as latin1. */
function named(names: string[]): string[] {
	return names
		.map((name) => Buffer.from(name, 'latin1').toString())
		.filter((name) => !name.startsWith(BARRIER))
		.sort()
}

const TOTAL = CHOOSERS.reduce((sum, [weight]) => sum + weight, 0)

export function chooseCall(random: Random): Call {
	let ticket = random.below(TOTAL)
	for (const [weight, chooser] of CHOOSERS) {
		if (ticket < weight) return chooser(random)
		ticket -= weight
	}
	throw new RangeError('weights do not add up')
}
