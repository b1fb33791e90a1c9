/** `cairn site list`: the sites, what they hold and what they are to fetch. */
import { type SiteStanding, standingOf } from '../core/off-site/standing.ts'
import { withCatalogue } from './catalogue.ts'
import { showSize } from './sizes.ts'
import { showAge, table } from './table.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	json: boolean
}

export const siteList: Verb<Options> = (deps) => ({
	command: 'list',
	describe: 'the sites, what they hold and what they are to fetch',
	builder: (yargs) => yargs.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const sites = await withCatalogue(options, deps, async (driver) => standingOf(driver))
	if (options.json) return deps.print(JSON.stringify(sites, null, 2))
	for (const line of siteTable(sites)) deps.print(line)
}

export function siteTable(sites: readonly SiteStanding[]): string[] {
	const nowSeconds = Date.now() / 1000
	const ago = (at: number | null) => (at === null || at === 0 ? 'never' : `${showAge(nowSeconds - at)} ago`)
	const cells = sites.map((site) => [
		site.name, site.state, ago(site.seenAt), `${site.wanted}`, `${site.claimed}`, `${site.proved}`, `${site.failed}`,
		site.oldestProofAt === null ? '-' : ago(site.oldestProofAt), showSize(site.today.bytes),
	])
	return table(['SITE', 'STATE', 'CALLED', 'TO FETCH', 'CLAIMED', 'PROVED', 'FAILED', 'OLDEST PROOF', 'TODAY'], cells)
}
