/** A pattern as shells have them. Names are bytes: what is no UTF-8 is compared byte by byte, each as the letter of that number. */

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const CLASSES: Record<string, string> = {
	alpha: '\\p{L}', digit: '0-9', alnum: '\\p{L}0-9', upper: '\\p{Lu}', lower: '\\p{Ll}', space: '\\s', blank: ' \\t',
	punct: '!-\\/:-@\\[-`\\{-~', xdigit: '0-9A-Fa-f', cntrl: '\\p{Cc}', print: '\\P{Cc}', graph: '[^\\s\\p{Cc}]',
}
/** `[...]` with what is in it, a letter that is meant as it is, or a letter. In a set `]` is a letter where it comes first. */
const PARTS = /\[(?:([!^])|(?![!^]))(\](?:\[:[a-z]+:\]|\\.|[^\]\\])*|(?:\[:[a-z]+:\]|\\.|[^\]\\])+)\]|\\?(.)/gsu
const MEMBERS = /\[:([a-z]+):\]|\\?(.)(?:-\\?(.))?/gsu

/** `*`, `?`, `[...]`, `[!...]` and `\`; of the whole name. */
export function pattern(glob: string): (name: Uint8Array) => boolean {
	const whole = new RegExp(`^${glob.replace(PARTS, toExpression)}$`, 'sv')
	return (name) => whole.test(lettersOf(name))
}

function toExpression(part: string, not: string | undefined, members: string | undefined, letter: string): string {
	if (members) return `[${not ? '^' : ''}${members.replace(MEMBERS, toMember)}]`
	if (part === '*') return '.*'
	if (part === '?') return '.'
	return literal(letter ?? part)
}

/** A range from a letter to one before it has nothing in it, as in shells. */
function toMember(_: string, named: string | undefined, from: string, to: string | undefined): string {
	if (named) return CLASSES[named] ?? ''
	if (to === undefined) return literal(from)
	return from <= to ? `${literal(from)}-${literal(to)}` : ''
}

function literal(letter: string): string {
	return `\\u{${letter.codePointAt(0)!.toString(16)}}`
}

function lettersOf(name: Uint8Array): string {
	try {
		return UTF8.decode(name)
	} catch {
		return Buffer.from(name).toString('latin1')
	}
}
