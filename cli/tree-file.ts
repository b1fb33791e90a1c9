/** What a path leads to, for verbs that only read the catalogue. */
import type { Driver } from '../core/catalogue/driver.ts'
import type { Config } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import type { FileId, Path } from '../core/ids.ts'
import { run } from '../core/op.ts'
import { fileAt } from '../core/stats/paths.ts'
import { showText } from '../core/text.ts'
import { EXIT } from './exit-codes.ts'
import { treePath } from './tree-path.ts'
import type { Deps } from './verb.ts'

export interface Ground {
	driver: Driver
	config: Config
	deps: Pick<Deps, 'directory'>
}

export async function fileNamed(text: string, { driver, config, deps }: Ground): Promise<{ id: FileId; path: Path }> {
	const path = await treePath(text, config, deps)
	const id = await run(fileAt(driver, path))
	if (id === undefined) throw new UserError(`${showText(text)}: there is no such file in the tree`, EXIT.refused)
	return { id, path }
}
