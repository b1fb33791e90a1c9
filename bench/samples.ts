/** Rates by row, system and round, and what is concluded from them. */
export interface Samples {
	/** Operations or MiB per second, one per round; undefined where that round failed. */
	readonly rates: Map<string, (number | undefined)[]>
	/** Why a system has no figure for a row. */
	readonly failures: Map<string, string>
}

export function noSamples(): Samples {
	return { rates: new Map(), failures: new Map() }
}

export function addSample(samples: Samples, { row, system, rate }: { row: string; system: string; rate: number | undefined }): void {
	const key = keyOf(row, system)
	const known = samples.rates.get(key)
	if (known) known.push(rate)
	else samples.rates.set(key, [rate])
}

export function addFailure(samples: Samples, { row, system, reason }: { row: string; system: string; reason: string }): void {
	samples.failures.set(keyOf(row, system), reason)
}

export function rateOf(samples: Samples, row: string, system: string): number | undefined {
	return median(ratesOf(samples, row, system))
}

/** Every failure, also of single rounds. */
export function failuresOf(samples: Samples): { row: string; system: string; reason: string }[] {
	return [...samples.failures].map(([key, reason]) => {
		const [row, system] = key.split(' ')
		return { row, system, reason }
	})
}

/** Round by round, then the median: what slows the whole machine for a while slows both sides of a round. */
export function ratioOf(samples: Samples, { row, system, against }: { row: string; system: string; against: string }): number | undefined {
	const own = ratesOf(samples, row, system)
	const other = ratesOf(samples, row, against)
	return median(own.map((rate, round) => (rate !== undefined && other[round] !== undefined ? rate / other[round] : undefined)))
}

export function median(values: readonly (number | undefined)[]): number | undefined {
	const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b)
	if (sorted.length === 0) return undefined
	const middle = sorted.length >> 1
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function ratesOf(samples: Samples, row: string, system: string): readonly (number | undefined)[] {
	return samples.rates.get(keyOf(row, system)) ?? []
}

function keyOf(row: string, system: string): string {
	return `${row} ${system}`
}
