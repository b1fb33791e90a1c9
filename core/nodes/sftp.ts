/** Reading a node over SFTP, where it is not mounted. */
import type { SftpConfig } from '../config/types.ts'
import { fail } from '../errors.ts'
import type { NodeOperations } from './node.ts'

export interface SftpReach {
	operations: Pick<NodeOperations, 'open' | 'close' | 'fstat' | 'read'>
	end(): Promise<void>
}

export function connectSftp(name: string, _config: SftpConfig): SftpReach {
	const refuse = () => fail('ENOTCONN', `node ${name} cannot be reached`)
	return { operations: { open: refuse, close: () => undefined, fstat: refuse, read: refuse }, end: async () => undefined }
}
