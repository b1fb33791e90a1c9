/** What somebody may do. Each role may what the one before it may; `site` is apart: it takes part in the backup and nothing else. */
export const ROLES = ['read', 'write', 'admin'] as const
export type Role = (typeof ROLES)[number]

export function mayAs(held: Role, wanted: Role): boolean {
	return ROLES.indexOf(held) >= ROLES.indexOf(wanted)
}
