/** `cairn replicator -a walk -p photos` is `cairn walk -p photos`: the form that crontabs of before have. */
import { UserError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'

/** What each action is as words of this command line. */
const ACTIONS: Record<string, readonly string[]> = {
	walk: ['walk'],
	replicate: ['replicate'],
	verify: ['verify'],
	trim: ['trim'],
	manifest: ['manifest'],
	trash: ['trash', 'purge'],
}

export function withoutOldForm(words: readonly string[]): string[] {
	if (words[0] !== 'replicator') return [...words]
	const at = words.findIndex((word) => /^(-a|--action(=|$))/.test(word))
	if (at < 0) return [...words]
	const isApart = words[at] === '-a' || words[at] === '--action'
	const action = isApart ? (words[at + 1] ?? '') : words[at].replace(/^(-a=?|--action=)/, '')
	const verb = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : refuse(action)
	return [...verb, ...words.slice(1, at), ...words.slice(at + (isApart ? 2 : 1))]
}

function refuse(action: string): never {
	throw new UserError(`replicator -a: found '${action}', allowed: ${Object.keys(ACTIONS).join(', ')}`, EXIT.usage)
}
