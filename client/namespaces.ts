/** Which extended attributes there are, whichever driver the mount has. */
import { fail } from '../core/errors.ts'

const NAMESPACES = ['user.', 'trusted.', 'security.']
/** Asked for by every `ls -l`. A label in a file's attributes means nothing on a mount of several machines; said once, it is not asked again. */
const LABEL = 'security.selinux'

/** The others belong to features of a filesystem (`system.posix_acl_access`) or to nobody. */
export function checkNamespace(name: Buffer): void {
	const text = name.toString('latin1')
	if (text === LABEL || !NAMESPACES.some((namespace) => text.startsWith(namespace) && text.length > namespace.length)) fail('EOPNOTSUPP')
}
