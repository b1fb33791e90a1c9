/**
 * What network filesystems call a file that was removed while somebody has it open there: sshfs and whatever else is of libfuse, NFS. It has no name in
 * the tree, and goes when it is closed.
 */
import type { Name } from '../ids.ts'

const NAMES = /^\.(?:fuse_hidden[0-9a-f]{16}|nfs[0-9a-f]{24})$/
const DOT = 0x2e

export function isLeftOpen(name: Name): boolean {
	return name[0] === DOT && NAMES.test(Buffer.from(name).toString('latin1'))
}
