/** Whether there are sites enough for what classes ask. */
import { type ClassRow, isRetired } from '../core/catalogue/classes.ts'
import type { SiteSettings } from '../core/off-site/site-settings.ts'

/** The classes that ask for more copies off-site than there are sites that take them. */
export function tooFarGoing(classes: readonly ClassRow[], sites: ReadonlyArray<{ settings: SiteSettings }>): ClassRow[] {
	const takers = (name: string) => sites.filter(({ settings }) => settings.classes === undefined || settings.classes.includes(name)).length
	return classes.filter((rule) => !isRetired(rule) && rule.offsite > takers(rule.name))
}
