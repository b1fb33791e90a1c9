/** `cairn status` as lines for people. */
import { many } from './many.ts'
import type { JobStatus } from './replicator-status.ts'
import { siteTable } from './site-list.ts'
import { showSize } from './sizes.ts'
import type { NodeStatus, Status } from './status.ts'
import { showAge, table } from './table.ts'

export function toLines(found: Status): string[] {
	const nowSeconds = Date.now() / 1000
	return [
		`catalogue ${found.catalogue}: ${many(found.files, 'file')} in ${many(found.directories, 'directory', 'directories')}, ${showSize(found.bytes)}B`,
		...owedLines(found),
		'',
		...table(
			['NODE', 'STATE', 'SINCE', 'UP', 'FREE', 'OF', 'ZONE', 'WANTED', 'INTENTS', 'PATH'],
			found.nodes.map((node) => nodeCells(node, nowSeconds)),
		),
		...jobTable(found, nowSeconds),
		...(found.sites.length > 0 ? ['', ...siteTable(found.sites)] : []),
		'',
		...table(
			['CLIENT', 'HOST', 'PID', 'WHAT', 'FOR', 'SILENT'],
			found.clients.map((client) => [
				`${client.id}`, client.host, `${client.pid}`, client.what, showAge(nowSeconds - client.joined), showAge(client.silentSeconds),
			]),
		),
	]
}

function owedLines({ pending, nothingOwed, offsiteOwed, classesShort, classesShortOffsite, writers, conflicts, nodes, deadCounted, withoutRoom }: Status): string[] {
	const { wanted, surplus, suspect, intents, short } = pending
	const open = writers > 0 ? `; ${writers} open for writing` : ''
	const parts = [
		`${many(wanted, 'copy', 'copies')} to make`,
		`${many(intents, 'change')} to carry out`,
		...(surplus > 0 ? [`${many(surplus, 'copy', 'copies')} to remove`] : []),
		...(suspect > 0 ? [`${suspect} bad or doubtful ${suspect === 1 ? 'copy' : 'copies'}`] : []),
		...(short > 0 ? [`${many(short, 'file')} short of nodes`] : []),
	]
	const away = nodes.filter((node) => !node.up && node.state !== 'dead').map((node) => node.name)
	const draining = nodes.filter((node) => node.state === 'drain').map((node) => node.name)
	const there = offsiteOwed > 0 || classesShortOffsite.length > 0 ? ' on nodes' : ''
	const whole = `nothing is owed${there}: every file has the copies its class asks for${there}${away.length > 0 ? `, if those on ${away.join(', ')} are in order` : ''}${open}`
	return [
		nothingOwed ? whole : `pending: ${parts.join(', ')}${open}`,
		...(classesShort.length > 0 ? [`too few nodes for what these classes ask: ${classesShort.join(', ')}`] : []),
		...(offsiteOwed > 0 ? [`off-site: ${many(offsiteOwed, 'copy', 'copies')} for sites to fetch`] : []),
		...(classesShortOffsite.length > 0 ? [`too few sites for what these classes ask: ${classesShortOffsite.join(', ')}`] : []),
		...(conflicts > 0 ? [`conflicts: ${conflicts} to be decided; see cairn conflicts list`] : []),
		...(away.length > 0 && !nothingOwed ? [`away: ${away.join(', ')}; copies there are counted as if they were in order`] : []),
		...(deadCounted.length > 0 ? [`dead: ${deadCounted.join(', ')}; copies there are counted until replicators have looked at every file again`] : []),
		...(withoutRoom ? ['files were written for whose copies no node had room; replicators look again after ten minutes, in a large tree later'] : []),
		...(draining.length > 0 ? [`draining: ${draining.join(', ')}`] : []),
	]
}

function nodeCells(node: NodeStatus, nowSeconds: number): string[] {
	const up = !node.up ? `no: ${node.reason}` : node.reason ? `yes, but ${node.reason}` : 'yes'
	const free = [showSize(node.free), showSize(node.capacity)]
	return [node.name, node.state, showAge(nowSeconds - node.since), up, ...free, node.zone || '-', `${node.wanted}`, `${node.intents}`, node.path]
}

/** When each kind of work was done last: a line for each node, and one for what belongs to none. */
function jobTable({ nodes, jobs }: Status, nowSeconds: number): string[] {
	const ran = jobs.filter((job) => job.state !== 'never')
	if (ran.length === 0) return []
	const kinds = [...new Set(ran.map((job) => job.job))].sort()
	const cell = (node: string | null, kind: string) => lastRun(ran.find((job) => job.node === node && job.job === kind), nowSeconds)
	const owners = [...nodes.map((node) => node.name), ...(ran.some((job) => job.node === null) ? [null] : [])]
	const rows = owners.map((name) => [name ?? 'the tree', ...kinds.map((kind) => cell(name, kind)), name === null ? '' : replicatorOf(nodes, name)])
	return ['', ...table(['LAST DONE', ...kinds.map((kind) => kind.toUpperCase()), 'REPLICATOR'], rows)]
}

function replicatorOf(nodes: readonly NodeStatus[], name: string): string {
	return nodes.find((node) => node.name === name)?.lookedAfter ? 'runs' : 'none'
}

function lastRun(job: JobStatus | undefined, nowSeconds: number): string {
	if (!job || job.started === null) return '-'
	const age = showAge(nowSeconds - job.started)
	const word = job.state === 'done' ? '' : job.state === 'ended' ? 'killed ' : `${job.state} `
	return `${word}${age}${job.left > 0 ? `, ${job.left} left` : ''}`
}
