/** What is collected of one name. */
export interface Family {
	name: string
	type: 'counter' | 'gauge' | 'histogram'
	help: string
	samples: Sample[]
}

export interface Sample {
	/** `_bucket`, `_sum`, `_count` of a histogram; else ''. */
	suffix: string
	labels: Record<string, string>
	value: number
}

export type Labels = Record<string, string>

/** A figure that is read when it is asked for. */
export function gaugeFamily(name: string, help: string, values: Iterable<[labels: Labels, value: number]>): Family {
	return { name, type: 'gauge', help, samples: [...values].map(([labels, value]) => ({ suffix: '', labels, value })) }
}

/** One family for each name, those of the same name together, with labels that say where they come from. */
export function together(lists: ReadonlyArray<{ families: readonly Family[]; labels?: Labels }>): Family[] {
	const byName = new Map<string, Family>()
	for (const { families, labels = {} } of lists) {
		for (const family of families) {
			const known = byName.get(family.name) ?? { ...family, samples: [] }
			byName.set(family.name, known)
			known.samples.push(...family.samples.map((sample) => ({ ...sample, labels: { ...labels, ...sample.labels } })))
		}
	}
	return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
