/** An explanation by a process that runs anyway: it has the catalogue open and knows since when a node is away. */
import { codeOf } from '../errors.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import type { Path } from '../ids.ts'
import { run } from '../op.ts'
import { askerOf } from '../stats/asker.ts'
import { explain } from '../stats/explain.ts'
import type { Explanation } from '../stats/explanation.ts'
import { fileAt } from '../stats/paths.ts'

/** As it goes over the wire: a name is bytes, and JSON has text only. */
export interface WrittenExplanation extends Omit<Explanation, 'paths' | 'hash'> {
	paths: string[]
	hash?: string
}

export type Explained = WrittenExplanation | 'nothing there'

export async function explainFor(fs: Filesystem, path: Path): Promise<Explained | undefined> {
	try {
		const id = await run(fileAt(fs.catalogue, path))
		return id === undefined ? 'nothing there' : written(await run(explain(askerOf(fs), id, fs.classes)))
	} catch (error) {
		// Removed in between. For all else there is nothing to be said from here.
		return codeOf(error) === 'ENOENT' ? 'nothing there' : undefined
	}
}

function written({ paths, hash, ...rest }: Explanation): WrittenExplanation {
	return { ...rest, paths: paths.map((path) => path.toString('base64')), hash: hash?.toString('base64') }
}
