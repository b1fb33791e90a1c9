const UNITS = ['', 'K', 'M', 'G', 'T']

/** '500M', '20G', '1.5 T', '1000'. */
export function parseSize(text: string): number | undefined {
	const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim())
	return match ? Math.floor(Number(match[1]) * 1024 ** UNITS.indexOf((match[2] as string).toUpperCase())) : undefined
}

export function showSize(bytes: number): string {
	let unit = 0
	for (; bytes >= 1024 && unit < UNITS.length - 1; unit++) bytes /= 1024
	return unit === 0 ? `${bytes} B` : `${bytes.toFixed(bytes < 10 ? 1 : 0)} ${UNITS[unit]}iB`
}
