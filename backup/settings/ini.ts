/** `name = value` lines; `#` and `;` begin comments, `[sections]` mean nothing, quotes around a value are taken off. */
export function parseIni(text: string): { values: Partial<Record<string, string>>; problem?: string } {
	const values: Partial<Record<string, string>> = {}
	for (const [index, raw] of text.replace(/^\ufeff/, '').split(/\r?\n/).entries()) {
		const line = raw.trim()
		if (line === '' || /^[#;[]/.test(line)) continue
		const equals = line.indexOf('=')
		if (equals <= 0) return { values, problem: `line ${index + 1} is no 'name = value'` }
		values[line.slice(0, equals).trim().toLowerCase()] = line.slice(equals + 1).trim().replace(/^(["'])(.*)\1$/, '$2')
	}
	return { values }
}
