const LETTERS_PER_MISTAKE = 3

/** The word of `known` a mistyped one was probably meant to be, or undefined when none is close. */
export function nearest(word: string, known: readonly string[]): string | undefined {
	const scored = known.map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase()) }))
	const [best] = scored.sort((a, b) => a.distance - b.distance)
	if (!best) return undefined
	const letters = Math.max(word.length, best.candidate.length)
	return best.distance <= Math.max(1, letters / LETTERS_PER_MISTAKE) ? best.candidate : undefined
}

/** How many letters to put in, take out, change, or swap with the next. */
function distance(a: string, b: string): number {
	let before: number[] = []
	let row = Array.from({ length: b.length + 1 }, (_, index) => index)
	for (let i = 1; i <= a.length; i++) {
		const next = [i]
		for (let j = 1; j <= b.length; j++) {
			next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
			if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) next[j] = Math.min(next[j], before[j - 2] + 1)
		}
		before = row
		row = next
	}
	return row[b.length]
}
