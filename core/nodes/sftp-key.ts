/**
 * Of the bytes of a key node:crypto makes a key object, anew for each packet of 32 KiB: nearly half of what decrypting one takes. Given the
 * object it need not. The library has no place for that, so it is put where the bytes are; should they be elsewhere one day, they stay.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'
import type SftpClient from 'ssh2-sftp-client'

interface Insides {
	client?: { _protocol?: { _decipher?: { _decipherKey?: Buffer | KeyObject } } }
}

/** To be called whenever keys were agreed on. */
export function keepKeyObject(client: SftpClient): void {
	const decipher = (client as unknown as Insides).client?._protocol?._decipher
	if (decipher && Buffer.isBuffer(decipher._decipherKey)) decipher._decipherKey = createSecretKey(decipher._decipherKey)
}
