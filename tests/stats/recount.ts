/** The same figures from the rows, counted one by one: what the kept ones must equal. Shares no code with them. */
import type { Driver } from '../../core/catalogue/driver.ts'

export interface Figures {
	/** `class copies` -> `files bytes`. */
	copies: Record<string, string>
	/** `node class state` -> `files bytes`. */
	nodes: Record<string, string>
	/** `class sites` -> `files bytes`, `site class state` -> `files bytes`. */
	offsite: Record<string, string>
	sites: Record<string, string>
	/** Directory -> `parent files bytes directories`. */
	directories: Record<string, string>
}

export async function kept(driver: Driver): Promise<Figures> {
	const copies = await driver.all('SELECT * FROM stat_copies WHERE files <> 0 OR bytes <> 0')
	const nodes = await driver.all('SELECT * FROM stat_node WHERE files <> 0 OR bytes <> 0')
	const directories = await driver.all('SELECT * FROM stat_directory')
	const offsite = await driver.all('SELECT * FROM stat_offsite WHERE files <> 0 OR bytes <> 0')
	const sites = await driver.all('SELECT * FROM stat_site WHERE files <> 0 OR bytes <> 0')
	return sorted({
		copies: Object.fromEntries(copies.map((row) => [`${row.class_id} ${row.copies}`, `${row.files} ${row.bytes}`])),
		nodes: Object.fromEntries(nodes.map((row) => [`${row.node_id} ${row.class_id} ${row.state}`, `${row.files} ${row.bytes}`])),
		offsite: Object.fromEntries(offsite.map((row) => [`${row.class_id} ${row.sites}`, `${row.files} ${row.bytes}`])),
		sites: Object.fromEntries(sites.map((row) => [`${row.site_id} ${row.class_id} ${row.state}`, `${row.files} ${row.bytes}`])),
		directories: Object.fromEntries(directories.map((row) => [row.id, `${row.parent_id} ${row.files} ${row.bytes} ${row.directories}`])),
	})
}

export async function recounted(driver: Driver): Promise<Figures> {
	const files = await driver.all('SELECT id, kind, size, version, class_id FROM file')
	const entries = await driver.all('SELECT parent_id, file_id FROM entry ORDER BY file_id, parent_id')
	const replicas = await driver.all('SELECT file_id, node_id, version, state FROM replica')
	const backups = await driver.all('SELECT file_id, site_id, version, state FROM backup')
	const parent = new Map<number, number>()
	for (const entry of entries) if (!parent.has(entry.file_id)) parent.set(entry.file_id, entry.parent_id)
	const copies = new Map<string, [number, number]>()
	const nodes = new Map<string, [number, number]>()
	const offsite = new Map<string, [number, number]>()
	const sites = new Map<string, [number, number]>()
	const below = new Map<number, { files: number; bytes: number; directories: number }>()
	const isDirectory = new Set(files.filter((file) => file.kind === 4).map((file) => file.id))
	for (const id of isDirectory) below.set(id, { files: 0, bytes: 0, directories: 0 })
	for (const file of files) {
		const bytes = file.kind === 8 ? file.size : 0
		for (let id = parent.get(file.id); id !== undefined; id = id === 1 ? undefined : parent.get(id)) {
			const sums = below.get(id)
			if (!sums) break
			if (file.kind === 4) sums.directories++
			else {
				sums.files++
				sums.bytes += bytes
			}
		}
		if (file.kind !== 8 && file.kind !== 10) continue
		const own = replicas.filter((row) => row.file_id === file.id)
		add(copies, `${file.class_id} ${own.filter((row) => row.version === file.version && [1, 4].includes(row.state)).length}`, bytes)
		const elsewhere = backups.filter((row) => row.file_id === file.id)
		const isThere = (row: { version: number; state: number }) => row.version === file.version && (row.state === 3 || row.state === 4)
		if (file.kind === 8) add(offsite, `${file.class_id} ${elsewhere.filter(isThere).length}`, bytes)
		for (const row of elsewhere) add(sites, `${row.site_id} ${file.class_id} ${row.state >= 3 && row.state <= 4 && !isThere(row) ? 0 : row.state}`, bytes)
		for (const row of own) add(nodes, `${row.node_id} ${file.class_id} ${row.state}`, bytes)
	}
	return sorted({
		copies: toText(copies),
		nodes: toText(nodes),
		offsite: toText(offsite),
		sites: toText(sites),
		directories: Object.fromEntries(
			[...below].map(([id, sums]) => [id, `${id === 1 ? 0 : (parent.get(id) ?? 0)} ${sums.files} ${sums.bytes} ${sums.directories}`]),
		),
	})
}

function add(sums: Map<string, [number, number]>, key: string, bytes: number): void {
	const [files, before] = sums.get(key) ?? [0, 0]
	sums.set(key, [files + 1, before + bytes])
}

function toText(sums: Map<string, [number, number]>): Record<string, string> {
	return Object.fromEntries([...sums].map(([key, [files, bytes]]) => [key, `${files} ${bytes}`]))
}

function sorted(figures: Figures): Figures {
	const order = (rows: Record<string, string>) => Object.fromEntries(Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1)))
	return {
		copies: order(figures.copies), nodes: order(figures.nodes), offsite: order(figures.offsite), sites: order(figures.sites),
		directories: order(figures.directories),
	}
}
