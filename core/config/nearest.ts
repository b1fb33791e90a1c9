/** The word of `known` a mistyped one was probably meant to be, or undefined when none is close. */
export function nearest(word: string, known: readonly string[]): string | undefined {
	const scored = known.map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase()) }))
	const [best] = scored.sort((a, b) => a.distance - b.distance)
	return best && best.distance <= Math.max(2, best.candidate.length / 2) ? best.candidate : undefined
}

/** Levenshtein's: how many letters to put in, take out or change. */
function distance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, index) => index)
	for (let i = 1; i <= a.length; i++) {
		const next = [i]
		for (let j = 1; j <= b.length; j++) {
			next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
		}
		row = next
	}
	return row[b.length]
}
