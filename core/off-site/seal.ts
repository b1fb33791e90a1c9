/** Secrets that have to be known again: encrypted with a key that is in a file, so that a copy of the catalogue alone opens nothing. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf, UserError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import { syncPath } from '../sync-path.ts'

const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const READABLE_BY_OTHERS = 0o077

/** Of a file that only its owner may read; made where there is none and `create` says so. */
export function sealingKey(file: string, { create = false } = {}): Buffer {
	try {
		const { mode } = statSync(file)
		if (mode & READABLE_BY_OTHERS) throw wrong(`${file} holds a key and has mode ${(mode & 0o777).toString(8)}, allowed: its owner only (chmod 600)`)
		const text = readFileSync(file, 'latin1').trim()
		if (!/^[0-9a-f]{64}$/.test(text)) throw wrong(`${file} is not a key: 64 hex digits`)
		return Buffer.from(text, 'hex')
	} catch (error) {
		if (error instanceof UserError) throw error
		if (codeOf(error) !== 'ENOENT' || !create) throw wrong(`${file} cannot be read (${codeOf(error)}); it is made by the first \`cairn site add\``)
	}
	return makeKey(file)
}

/** Half a key under that name would be in the way of every next one. */
function makeKey(file: string): Buffer {
	const key = randomBytes(KEY_BYTES)
	const beside = `${file}.${randomBytes(4).toString('hex')}.part`
	try {
		writeFileSync(beside, `${key.toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true })
		linkSync(beside, file)
		syncPath(dirname(file))
		return key
	} catch (error) {
		if (codeOf(error) === 'EEXIST') return sealingKey(file)
		throw wrong(`${file} cannot be written (${codeOf(error)})`)
	} finally {
		rmSync(beside, { force: true })
	}
}

/** `context` says what it is the secret of: sealed for one it does not open for another. */
export function seal(key: Buffer, secret: string, context: string): Buffer {
	const iv = randomBytes(IV_BYTES)
	const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context))
	const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
	return Buffer.concat([iv, cipher.getAuthTag(), sealed])
}

/** Undefined where the key is another, or what was sealed was altered. */
export function unseal(key: Buffer, sealed: Uint8Array, context: string): string | undefined {
	const bytes = Buffer.from(sealed)
	if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
	try {
		const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES)).setAAD(Buffer.from(context))
		decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
		return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
	} catch {
		return undefined
	}
}

function wrong(message: string): UserError {
	return new UserError(`backup.keyFile: ${message}`, EXIT.configuration)
}
