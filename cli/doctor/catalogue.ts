/** The catalogue, and what is in it of nodes, classes, clients and work. */
import * as classTable from '../../core/catalogue/classes.ts'
import { isRetired } from '../../core/catalogue/classes.ts'
import * as clientTable from '../../core/catalogue/clients.ts'
import * as siteTable from '../../core/catalogue/sites.ts'
import type { Driver } from '../../core/catalogue/driver.ts'
import { checkSchema } from '../../core/catalogue/migrate.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import type { Config } from '../../core/config/types.ts'
import { isAlive } from '../../core/filesystem/clients.ts'
import { readSettings } from '../../core/off-site/site-settings.ts'
import { run } from '../../core/op.ts'
import { overview, type Overview } from '../../core/stats/overview.ts'
import { shownAddress } from '../catalogue.ts'
import { many } from '../many.ts'
import { tooFarGoing } from '../sites-wanted.ts'
import { type Finding, found } from './finding.ts'
import { checkNodes } from './nodes.ts'

/** More than that between two clocks and times of files contradict each other. */
const CLOCKS_APART_SECONDS_MAX = 2
const BEHIND_FILES_MAX = 50_000

export async function checkCatalogue(config: Config): Promise<Finding[]> {
	let driver: Driver
	const address = shownAddress(config.catalogue)
	try {
		driver = await openCatalogue(config)
	} catch (error) {
		return [found('catalogue', 'wrong', (error as Error).message, `${/^(mysql|mariadb):/.test(address) ? 'is the server running, may this user connect? ' : ''}A new one: cairn init; one that was lost or is damaged: cairn reindex`)]
	}
	try {
		await checkSchema(driver)
	} catch (error) {
		await driver.close()
		return [found('catalogue', 'wrong', (error as Error).message)]
	}
	try {
		const standing = await run(overview(driver))
		return [
			found('catalogue', 'well', `${address} answers; its schema is this program's`),
			await checkClocks(driver),
			...(await checkNodes(driver, config, standing)),
			...(await checkClasses(driver, standing)),
			...(await checkClients(driver)),
			...checkWork(standing),
		]
	} catch (error) {
		return [found('catalogue', 'wrong', (error as Error).message)]
	} finally {
		await driver.close()
	}
}

async function checkClocks(driver: Driver): Promise<Finding> {
	const row = await driver.get<{ now: number }>(`SELECT ${driver.capabilities.now} AS now`)
	const apart = Math.abs((row?.now ?? 0) - Date.now() / 1000)
	if (apart <= CLOCKS_APART_SECONDS_MAX) return found('clocks', 'well', "the catalogue's and this machine's agree")
	return found('clocks', 'wrong', `the catalogue's clock and this machine's are ${Math.round(apart)} s apart`, 'a time service on both keeps them together')
}

async function checkClasses(driver: Driver, { nodes }: Overview): Promise<Finding[]> {
	const takers = nodes.filter(({ state }) => state !== 'dead' && state !== 'drain')
	const rules = (await classTable.list(driver)).filter((rule) => !isRetired(rule))
	const sites = (await siteTable.list(driver, driver.capabilities)).map((row) => ({ settings: readSettings(row) }))
	const far = tooFarGoing(rules, sites)
	const greedy = rules.filter((rule) => rule.copies > takers.length)
	const spread = rules.filter((rule) => rule.zones > new Set(takers.map(({ zone }) => zone)).size)
	return [
		...greedy.map(({ name, copies }) => found(`class ${name}`, 'wrong', `asks for ${copies} copies, and there are ${takers.length} nodes for them`, 'cairn node add, or fewer copies and cairn class apply')),
		...spread.map(({ name, zones }) => found(`class ${name}`, 'doubtful', `asks for ${zones} zones, and the nodes are in fewer`, 'cairn node set NODE --zone ZONE')),
		...far.map(({ name, offsite }) => found(`class ${name}`, 'doubtful', `asks for ${many(offsite, 'copy', 'copies')} off-site, and fewer sites take it`, 'cairn site add, or cairn site set NAME --class')),
		...(greedy.length + spread.length === 0 ? [found('classes', 'well', `${rules.length}, and nodes enough for each`)] : []),
	]
}

async function checkClients(driver: Driver): Promise<Finding[]> {
	const rows = await clientTable.list(driver, driver.capabilities)
	const silent = rows.filter((row) => !isAlive(row))
	if (silent.length === 0) return [found('clients', 'well', `${rows.length} at work`)]
	return silent.map((row) => found('clients', 'doubtful', `${row.what}, process ${row.pid} on ${row.host}, ended without a word`, 'whoever mounts or replicates next settles what it left'))
}

function checkWork({ failures, conflicts, bad, behind, nodes }: Overview): Finding[] {
	const alone = nodes.filter(({ lookedAfter, state }) => !lookedAfter && state !== 'dead')
	const findings = [
		...alone.map(({ name }) => found(`node ${name}`, 'doubtful', 'no replicator looks after it: no copies are made or verified there', `cairn replicator --node ${name}`)),
		...failures.map(({ job, node, error }) => found(`${job}${node ? ` of ${node}` : ''}`, 'doubtful', `failed the last time: ${error}`)),
		...(conflicts > 0 ? [found('conflicts', 'doubtful', `${many(conflicts, 'waits', 'wait')} to be decided`, 'cairn conflicts list')] : []),
		...(bad.files > 0 ? [found('copies', 'doubtful', `${many(bad.files, 'is', 'are')} in doubt`, 'cairn find --owed; cairn verify reads them again')] : []),
		...(behind > BEHIND_FILES_MAX ? [found('figures', 'doubtful', `${many(behind, 'change is', 'changes are')} not counted yet`, 'a replicator counts them; cairn stats --rebuild does it now')] : []),
	]
	return findings.length > 0 ? findings : [found('work', 'well', 'every node is looked after, nothing failed, nothing waits to be decided')]
}
