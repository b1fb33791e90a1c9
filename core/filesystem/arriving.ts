/**
 * Files that are entered and have yet to come to their node. What this process decides about their paths meanwhile it hears of here, and need not
 * ask the catalogue for.
 */
import type { Intent } from '../catalogue/intents.ts'
import type { FileId, Path } from '../ids.ts'
import { standsInTheWay } from '../in-the-way.ts'

export interface Arriving {
	readonly path: Path
	/** Something was decided about that path, or a directory above it. */
	isTouched: boolean
}

/** Before the commit: what is carried out after it finds the file on its node, or is known to the file when it comes there. */
export function touchArriving(arriving: ReadonlyMap<FileId, Arriving>, list: readonly Intent[]): void {
	for (const file of arriving.values()) {
		file.isTouched ||= list.some(({ op, path, toPath }) => standsInTheWay({ op, path, to_path: toPath }, file.path))
	}
}
