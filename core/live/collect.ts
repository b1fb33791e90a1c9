/** All metrics there are to be had on this machine: of every process of the installation, and of the archive as a whole. */
import type { Driver } from '../catalogue/driver.ts'
import { catalogueFamilies } from '../metrics/catalogue-families.ts'
import { type Family, gaugeFamily, together } from '../metrics/family.ts'
import { run } from '../op.ts'
import { askAll } from './ask.ts'

export interface Own {
	what: string
	families: readonly Family[]
}

/** Each series of a process says which; what is true of the archive does not. Where the catalogue does not answer, that is what is said of it. */
export async function collect(address: string, catalogue: Driver, own?: Own): Promise<Family[]> {
	const [others, archive] = await Promise.all([askAll(address, 'metrics'), ofArchive(catalogue)])
	const lists = others.map(({ what, pid, families = [] }) => ({ families, labels: { process: what, pid: String(pid) } }))
	if (own) lists.push({ families: [...own.families], labels: { process: own.what, pid: String(process.pid) } })
	return together([...lists, { families: archive, labels: {} }])
}

async function ofArchive(catalogue: Driver): Promise<Family[]> {
	const answers = (value: number) => gaugeFamily('cairn_catalogue_up', 'Whether the catalogue answered just now: 1, or 0.', [[{}, value]])
	try {
		return [answers(1), ...(await run(catalogueFamilies(catalogue)))]
	} catch {
		return [answers(0)]
	}
}
