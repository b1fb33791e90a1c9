/** An explanation as one sentence: for the extended attribute, and where one line has to do. */
import type { Explanation } from './explanation.ts'

export function inOneSentence({ class: rule, copies, good, version, missing, missingOffsite, writers, hasCopies }: Explanation): string {
	if (!hasCopies) return 'in the catalogue only: a directory or a special file has no copies'
	const parts = [`class ${rule.name} asks for ${rule.copies}, ${good} good at version ${version}`]
	for (const { node, state, version: own, owed } of copies) {
		if (owed) parts.push(`${node} is ${state} at version ${own}, ${owed.what}: ${owed.why.join(', ')}`)
	}
	for (const writer of writers) parts.push(`open for writing on ${writer.node}`)
	if (missing) parts.push(`${missing.copies} more without a node: ${missing.why}`)
	if (missingOffsite) parts.push(`${missingOffsite.copies} more off-site: ${missingOffsite.why}`)
	if (rule.becomes) parts.push(`its path falls under class ${rule.becomes} now: cairn class apply`)
	return parts.join('; ')
}
