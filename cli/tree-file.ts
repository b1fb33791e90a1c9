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

export async function fileNamed(text: string, driver: Driver, config: Config): Promise<{ id: FileId; path: Path }> {
	const path = await treePath(text, config)
	const id = await run(fileAt(driver, path))
	if (id === undefined) throw new UserError(`${showText(text)}: there is no such file in the tree`, EXIT.refused)
	return { id, path }
}
