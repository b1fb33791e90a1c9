/** What is in the tree, exactly: from the figures where all that happened is in them, else counted, which takes as long as there are files. */
import type { Driver } from '../catalogue/driver.ts'
import * as settings from '../catalogue/settings.ts'
import type { Below } from '../catalogue/stat-directories.ts'
import * as touched from '../catalogue/stat-touched.ts'
import { countTree } from '../catalogue/totals.ts'
import { ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { changesBehind } from './behind.ts'
import { sizeBelow } from './tree-sizes.ts'

export function* treeTotal(catalogue: Driver): Op<Below> {
	const anew = yield* wait(settings.find(catalogue, touched.ANEW))
	const isCounted = !anew && (yield* changesBehind(catalogue, 1)) === 0
	return isCounted ? yield* sizeBelow(catalogue, ROOT_ID) : yield* countTree(catalogue)
}
