/** Files whose hashes were asked for together, and who waits for them. */
import type { Errno } from '../../core/errors.ts'
import type { Path } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import type { Hashed, HashOptions } from './hashing.ts'

export type Answer = Hashed | Errno

export interface Asked {
	readonly node: Node
	readonly paths: readonly Path[]
	readonly options: HashOptions
	/** One for each path. */
	readonly answers: Array<Answer | undefined>
	left: number
	readonly finish: () => void
}

export function ask(node: Node, paths: readonly Path[], options: HashOptions): { asked: Asked; answers: Promise<Answer[]> } {
	const answers = new Array<Answer | undefined>(paths.length)
	const { promise, resolve } = Promise.withResolvers<Answer[]>()
	const finish = () => resolve(answers as Answer[])
	if (paths.length === 0) finish()
	return { asked: { node, paths, options, answers, left: paths.length, finish }, answers: promise }
}

/** The first answer holds. */
export function answerOne(asked: Asked, at: number, answer: Answer): void {
	if (asked.answers[at] !== undefined) return
	asked.answers[at] = answer
	if (--asked.left === 0) asked.finish()
}

export function answerRest(asked: Asked, answer: Answer): void {
	for (let at = 0; at < asked.paths.length; at++) answerOne(asked, at, answer)
}
