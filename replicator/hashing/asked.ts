/** Files whose hashes were asked for together, and who waits for them. */
import { Errno } from '../../core/errors.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Name, Path } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import type { Answer, Answers, HashOptions } from './hashing.ts'
import { type Packet, unpack } from './packets.ts'

export interface Asked {
	readonly node: Node
	readonly directory: Path
	readonly names: readonly Name[]
	readonly options: HashOptions
	/** One for each name; most are left in the packet they came in until somebody looks. */
	readonly answers: Array<Answer | Packet | undefined>
	/** Where in its packet. */
	readonly places: Uint16Array
	left: number
	readonly finish: () => void
}

/** Some of them: `from` is the first, `to` is behind the last. */
export interface Range {
	readonly asked: Asked
	from: number
	readonly to: number
}

export function ask(
	node: Node,
	directory: Path,
	names: readonly Name[],
	options: HashOptions,
): { asked: Asked; promise: Promise<Answers> } {
	const answers = new Array<Answer | Packet | undefined>(names.length)
	const places = new Uint16Array(names.length)
	const { promise, resolve } = Promise.withResolvers<Answers>()
	const finish = () => resolve({ at: (index) => read(answers[index] as Answer | Packet, places[index]) })
	if (names.length === 0) finish()
	return { asked: { node, directory, names, options, answers, places, left: names.length, finish }, promise }
}

function read(answer: Answer | Packet, place: number): Answer {
	if (answer instanceof Errno || !('numbers' in answer)) return answer
	return unpack(answer, place)
}

/** The first answer holds. */
export function answerOne(asked: Asked, at: number, answer: Answer | Packet, place = 0): void {
	if (asked.answers[at] !== undefined) return
	asked.answers[at] = answer
	asked.places[at] = place
	if (--asked.left === 0) asked.finish()
}

export function answerAll({ asked, from, to }: Range, answer: Answer): void {
	for (let at = from; at < to; at++) answerOne(asked, at, answer)
}

export function pathOf({ directory, names }: Asked, at: number): Path {
	return joinPath(directory, names[at])
}
