/** What a batch changes of the figures by class, copies and node: few rows, however many files. */
import type { Capabilities, Transaction } from '../catalogue/driver.ts'
import type { CopiesRow, NodeFiguresRow, OffsiteRow, SiteFiguresRow } from '../catalogue/stat-figures.ts'
import * as figures from '../catalogue/stat-figures.ts'
import { type CountedFile, NO_COPIES, NO_SITES } from '../catalogue/stat-files.ts'

export interface Tally {
	add(file: CountedFile, sign: 1 | -1): void
	write(tx: Transaction, capabilities: Capabilities): void
}

export function createTally(): Tally {
	const copies = new Map<string, CopiesRow>()
	const nodes = new Map<string, NodeFiguresRow>()
	const offsite = new Map<string, OffsiteRow>()
	const sites = new Map<string, SiteFiguresRow>()
	return {
		add(file, sign) {
			if (file.copies === NO_COPIES) return
			const { class_id, size } = file
			const change = { files: sign, bytes: sign * size }
			const row = rowFor(copies, `${class_id} ${file.copies}`, () => ({ class_id, copies: file.copies, files: 0, bytes: 0 }))
			grow(row, change)
			for (const [node_id, state] of pairs(file.held)) {
				grow(rowFor(nodes, `${node_id} ${class_id} ${state}`, () => ({ node_id, class_id, state, files: 0, bytes: 0 })), change)
			}
			if (file.sites !== NO_SITES) grow(rowFor(offsite, `${class_id} ${file.sites}`, () => ({ class_id, sites: file.sites, files: 0, bytes: 0 })), change)
			for (const [site_id, state] of pairs(file.elsewhere)) {
				grow(rowFor(sites, `${site_id} ${class_id} ${state}`, () => ({ site_id, class_id, state, files: 0, bytes: 0 })), change)
			}
		},
		write(tx, capabilities) {
			for (const row of copies.values()) if (isAny(row)) figures.addToCopies(tx, row, capabilities)
			for (const row of nodes.values()) if (isAny(row)) figures.addToNode(tx, row, capabilities)
			for (const row of offsite.values()) if (isAny(row)) figures.addToOffsite(tx, row, capabilities)
			for (const row of sites.values()) if (isAny(row)) figures.addToSite(tx, row, capabilities)
		},
	}
}

/** `1:2 3:4` as numbers. */
function pairs(text: string): number[][] {
	return text === '' ? [] : text.split(' ').map((pair) => pair.split(':').map(Number))
}

function rowFor<T>(rows: Map<string, T>, key: string, make: () => T): T {
	let row = rows.get(key)
	if (row === undefined) {
		row = make()
		rows.set(key, row)
	}
	return row
}

function grow(row: { files: number; bytes: number }, by: { files: number; bytes: number }): void {
	row.files += by.files
	row.bytes += by.bytes
}

const isAny = ({ files, bytes }: { files: number; bytes: number }) => files !== 0 || bytes !== 0
