/** `1 file`, `2,000 files`, `2 copies`. */
export function many(count: number, one: string, more = `${one}s`): string {
	return `${grouped(count)} ${count === 1 ? one : more}`
}

/** A whole number with its thousands apart. By hand: what knows how every country does it takes a short verb 12 ms to load. */
export function grouped(count: number): string {
	return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}
