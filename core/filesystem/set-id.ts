const S_ISUID = 0o4000
const S_ISGID = 0o2000
const S_IXGRP = 0o0010

/** Bits that let a file run as somebody else do not survive a change by anybody who is not root; the group's, where nobody can run it, one by a stranger. */
export function withoutSetId(mode: number, isOfGroup = true): number {
	return mode & ~S_ISUID & (mode & S_IXGRP || !isOfGroup ? ~S_ISGID : ~0)
}
