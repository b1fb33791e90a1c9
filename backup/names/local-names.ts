/**
 * What a name of the archive is called in the folder, and back. Names are bytes, and most are the same here as there. Where a system
 * cannot have a name, or means something else by it, the bytes concerned are written `%XX`; a `%` that could be taken for such a
 * thing is itself written so. Back is always the same rule, whichever of the two ways a name took.
 */
import type { Platform } from './platform.ts'

/** The agent's own directory in the folder: no name of the archive is ever called this. */
export const OWN_DIRECTORY = '.cairn-backup'

const PERCENT = 0x25
const OWN_ON_LINUX = /^%*\.cairn-backup$/
const ESCAPE = /%([0-9A-Fa-f]{2})/g
/** A device by this name, whatever its extension, is what Windows opens. */
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$) *(\..*)?$/i
const WINDOWS_FORBIDDEN = /[<>:"/\\|?*]/
/** The older filesystem of macOS passes over these as if they were not there. */
const IGNORABLE = /[\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/

/** As it is wherever that is possible. */
export function plainName(name: Buffer, platform: Platform): Buffer {
	if (platform === 'linux') return OWN_ON_LINUX.test(name.toString('latin1')) ? Buffer.concat([Buffer.from('%'), name]) : name
	return escapeWhere(name, platform, isPlain)
}

/**
 * The second choice, where another name stands in the way that differs in case or normalisation only: no two are alike in this form.
 * The first character is always written `%XX`, so that it is no other's first choice.
 */
export function escapedName(name: Buffer, platform: Platform): Buffer {
	return platform === 'linux' ? plainName(name, platform) : escapeWhere(name, platform, isUnmistakable)
}

/** The archive's name of what is called `local` in the folder. */
export function archiveName(local: Buffer, platform: Platform): Buffer {
	const text = local.toString('latin1')
	if (platform === 'linux') return local[0] === PERCENT && OWN_ON_LINUX.test(text) ? local.subarray(1) : local
	return Buffer.from(text.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1')
}

type Keep = (character: string, at: Place) => boolean
interface Place {
	index: number
	rest: string
	isLast: boolean
	platform: Platform
}

function escapeWhere(name: Buffer, platform: Platform, keep: Keep): Buffer {
	const characters = [...charactersOf(name)]
	const isOurs = mustNotStand(characters.join(''), platform)
	let written = ''
	characters.forEach((character, index) => {
		const rest = characters.slice(index + 1, index + 3).join('')
		const isKept = !(isOurs && index === 0) && keep(character, { rest, index, isLast: index === characters.length - 1, platform })
		written += isKept ? character : hexOf(character)
	})
	return Buffer.from(written)
}

/** Bytes that are no text anywhere stand as a lone character above Unicode's reach: U+DC80 to U+DCFF. */
function charactersOf(name: Buffer): string {
	const text = name.toString('utf8')
	if (Buffer.from(text).equals(name)) return text
	return [...name].map((byte) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join('')
}

function hexOf(character: string): string {
	const code = character.charCodeAt(0)
	const bytes = isByte(character) ? Buffer.of(code - 0xdc00) : Buffer.from(character)
	return [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

function isByte(character: string): boolean {
	const code = character.charCodeAt(0)
	return character.length === 1 && code >= 0xdc80 && code <= 0xdcff
}

function isPlain(character: string, { rest, isLast, platform }: Place): boolean {
	if (isByte(character)) return false
	if (character === '%') return !/^[0-9A-Fa-f]{2}/.test(rest)
	if (platform !== 'win32') return !IGNORABLE.test(character) && (platform === 'darwin' || character.normalize('NFD') === character)
	if (character < ' ' || WINDOWS_FORBIDDEN.test(character)) return false
	// A short name of the old kind (PROGRA~1) leads to whatever file has it.
	if (character === '~') return !/^[0-9]/.test(rest)
	return !(isLast && (character === '.' || character === ' '))
}

function isUnmistakable(character: string, at: Place): boolean {
	return at.index > 0 && /[a-z0-9 !#$&'()+,.;=@[\]^_`{}~-]/.test(character) && isPlain(character, at)
}

function mustNotStand(text: string, platform: Platform): boolean {
	return folded(text) === OWN_DIRECTORY || (platform === 'win32' && WINDOWS_DEVICE.test(text))
}

/** As a filesystem that merges names may see it. */
function folded(text: string): string {
	const visible = [...text].filter((character) => !IGNORABLE.test(character)).join('')
	return visible.normalize('NFKC').toUpperCase().toLowerCase().replace(/[. ]+$/, '')
}
