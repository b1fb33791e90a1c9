/** A file's own page: what `cairn why` says, for people who look at it. */
import { covers, type Scope } from '../../core/access/scope.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { readlink } from '../../core/filesystem/links.ts'
import { KIND } from '../../core/catalogue/files.ts'
import type { Path } from '../../core/ids.ts'
import type { Op } from '../../core/op.ts'
import { askerOf } from '../../core/stats/asker.ts'
import { explain } from '../../core/stats/explain.ts'
import type { ExplainedCopy, Explanation } from '../../core/stats/explanation.ts'
import { count, counted } from '../web/amounts.ts'
import type { CopyShown, FileShown, OwedLine, Standing } from '../web/shown.ts'
import { kindText } from './directory.ts'

/** Other names are shown where whoever asks may reach them. */
export function* readFile(fs: Filesystem, row: LocatedRow, { path, scope }: { path: Path; scope: Scope }): Op<FileShown> {
	const found = yield* explain(askerOf(fs), row.id, fs.classes)
	const { class: rule } = found
	const target = row.kind === KIND.symlink ? yield* readlink(fs, row.id) : undefined
	const isUp = ({ nodeId }: ExplainedCopy) => fs.nodes.get(nodeId)?.health.up ?? false
	return {
		path,
		otherPaths: found.paths.filter((other) => !other.equals(path) && covers(scope, other)),
		id: found.id,
		kind: kindText(found.kind),
		mode: row.mode,
		uid: row.uid,
		gid: row.gid,
		size: found.size,
		modified: found.mtime,
		version: found.version,
		hash: found.hash,
		class: { name: rule.name, pattern: rule.pattern, position: fs.classes.findIndex(({ name }) => name === rule.name), copies: rule.copies, zones: rule.zones, offsite: rule.offsite },
		...verdictOf(found, found.copies.filter((copy) => isCurrent(copy, found) && isUp(copy)).length),
		copies: found.copies.map((copy) => toCopy(copy, found, isUp(copy))),
		offsite: found.offsite,
		owed: owedOf(found),
		target,
	}
}

function isCurrent({ state, version }: ExplainedCopy, file: Explanation): boolean {
	return version === file.version && (state === 'good' || state === 'surplus')
}

function toCopy(copy: ExplainedCopy, file: Explanation, up: boolean): CopyShown {
	const { node, state, version, provedAt } = copy
	return { node, state, version, isCurrent: version === file.version, hash: isCurrent(copy, file) ? file.hash : undefined, provedAt, up }
}

function verdictOf(found: Explanation, reachable: number): { verdict: string; standing: Standing } {
	const { hasCopies, good, class: rule, writers, version } = found
	if (!hasCopies) return { verdict: 'In the catalogue only: of its kind there are no copies', standing: 'good' }
	if (writers.length > 0) return { verdict: `Being written on ${writers[0].node}`, standing: 'busy' }
	if (version > 0 && reachable === 0) return { verdict: 'No copy of it can be read now', standing: 'bad' }
	if (found.copies.some(({ state }) => state === 'suspect')) return { verdict: 'A copy is bad or in doubt', standing: 'bad' }
	if (good < rule.copies) return { verdict: `${count(good)} of ${counted(rule.copies, 'copy', 'copies')} are there`, standing: 'busy' }
	if (owedOf(found).length > 0) return { verdict: 'All its copies are there; something is still to be done', standing: 'busy' }
	return { verdict: `It has its ${counted(rule.copies, 'copy', 'copies')}`, standing: 'good' }
}

function owedOf({ copies, missing, missingOffsite, writers, class: { becomes } }: Explanation): OwedLine[] {
	return [
		...copies.flatMap(({ node, owed }) => (owed ? [{ what: `${node}: ${owed.what}`, why: owed.why.join('; ') || 'it is next' }] : [])),
		...(missing ? [{ what: `${counted(missing.copies, 'copy', 'copies')} without a node`, why: missing.why }] : []),
		...(missingOffsite ? [{ what: counted(missingOffsite.copies, 'off-site copy', 'off-site copies'), why: missingOffsite.why }] : []),
		...writers.map(({ node, client }) => ({ what: `Open for writing on ${node}`, why: client })),
		...(becomes === undefined ? [] : [{ what: `Its path falls under class ${becomes} now`, why: 'cairn class apply takes it over' }]),
	]
}
