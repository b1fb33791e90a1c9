/** Rows as aligned columns; a column of numbers is set to the right. */
export function table(head: string[], rows: string[][]): string[] {
	// The path of a node or a mount may hold a line's end.
	const all = [head, ...rows.map((row) => row.map((cell) => cell.replaceAll('\n', '\\n')))]
	const widths = head.map((_, column) => all.reduce((width, row) => Math.max(width, row[column].length), 0))
	const right = head.map((_, column) => rows.length > 0 && rows.every((row) => /^[\d.,-]+[KMGTP]?$/.test(row[column])))
	const pad = (cell: string, column: number) => (right[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))
	return all.map((row) => row.map(pad).join('  ').trimEnd())
}

/** '2 min', '3 h', '5 d': long enough ago for people. */
export function showAge(seconds: number): string {
	if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`
	if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
	if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
	return `${Math.round(seconds / 86_400)} d`
}
