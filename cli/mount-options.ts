/** `-o` as those who mount filesystems know it. */
import { nearest } from '../core/config/nearest.ts'
import { UserError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'

export interface MountWords {
	readOnly: boolean
	allowOther?: boolean
	config?: string
	driver?: 'fuse' | 'fuse-native'
	io?: 'auto' | 'passthrough' | 'carried'
	fsname?: string
	/** Also where something is in the directory, which then cannot be reached. */
	nonempty?: boolean
	/** Days; 0: nothing that is removed is kept. */
	trashDays?: number
	/** For the kernel's table, as given. */
	kernelOptions: string[]
}

const KERNEL = [
	'nosuid', 'nodev', 'noexec', 'exec', 'noatime', 'atime', 'nodiratime', 'diratime', 'relatime', 'norelatime', 'strictatime',
	'nostrictatime', 'lazytime', 'nolazytime', 'sync', 'async', 'dirsync', 'nosymfollow',
]
/** Of fstab and mount(8), or always so: nothing follows from them here. */
const IGNORED = [
	'default_permissions', 'defaults', 'auto', 'noauto', 'user', 'nouser', 'users', 'owner', 'group', '_netdev', 'nofail', 'dev', 'suid',
	'loud', 'silent',
]
/** Of `trash` without a number. */
const TRASH_DAYS = 30
const TRASH_DAYS_MAX = 36_500
const VALUES: Record<string, (value: string) => Partial<MountWords>> = {
	config: (config) => ({ config }),
	fsname: (fsname) => ({ fsname }),
	driver: (value) => ({ driver: oneOf('driver', value, ['fuse', 'fuse-native'] as const) }),
	trash: (value) => ({ trashDays: days(value) }),
	io: (value) => ({ io: oneOf('io', value, ['auto', 'passthrough', 'carried'] as const) }),
}
const FLAGS: Record<string, Partial<MountWords>> = {
	ro: { readOnly: true },
	rw: { readOnly: false },
	allow_other: { allowOther: true },
	trash: { trashDays: TRASH_DAYS },
	nonempty: { nonempty: true },
	notrash: { trashDays: 0 },
}

export function parseMountOptions(lists: readonly string[]): MountWords {
	const given = lists.flatMap((list) => list.split(',')).filter((word) => word !== '')
	const words: MountWords = { readOnly: false, kernelOptions: inForce(given.filter((word) => KERNEL.includes(word))) }
	return Object.assign(words, ...given.map(meaning))
}

/** As with mount(8), who says the opposite later takes back what was said: `user,exec` of an fstab comes as `noexec,...,exec`. */
function inForce(words: readonly string[]): string[] {
	return words.filter((word, place) => !words.includes(opposite(word), place + 1))
}

function opposite(word: string): string {
	if (word === 'sync') return 'async'
	return word.startsWith('no') ? word.slice('no'.length) : `no${word}`
}

/** What a word changes. */
function meaning(word: string): Partial<MountWords> {
	const [name, ...rest] = word.split('=')
	if (rest.length > 0 && Object.hasOwn(VALUES, name)) return VALUES[name](filled(name, rest.join('=')))
	if (name.startsWith('x-') || name === 'comment') return {}
	if (Object.hasOwn(FLAGS, word)) return FLAGS[word]
	if (KERNEL.includes(word) || IGNORED.includes(word)) return {}
	return refuse(word, [...Object.keys(FLAGS), ...KERNEL, ...IGNORED, ...Object.keys(VALUES).map((key) => `${key}=`)])
}

function refuse(word: string, known: string[]): never {
	const meant = nearest(word.replace(/=.*$/s, ''), known)
	throw new UserError(`unknown mount option '${word}'${meant ? `; the nearest is '${meant}'` : ''}`, EXIT.usage)
}

function filled(name: string, value: string): string {
	if (value === '') throw new UserError(`mount option ${name}= needs a value`, EXIT.usage)
	return value
}

function days(value: string): number {
	const found = /^\d+$/.test(value) ? Number(value) : 0
	if (found >= 1 && found <= TRASH_DAYS_MAX) return found
	throw new UserError(`mount option trash: found '${value}', allowed: a number of days`, EXIT.usage)
}

function oneOf<Word extends string>(name: string, value: string, words: readonly Word[]): Word {
	const found = words.find((word) => word === value)
	if (found) return found
	throw new UserError(`mount option ${name}: found '${value}', allowed: ${words.join(', ')}`, EXIT.usage)
}
