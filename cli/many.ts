/** `1 file`, `2,000 files`, `2 copies`. */
export function many(count: number, one: string, more = `${one}s`): string {
	return `${count.toLocaleString('en-US')} ${count === 1 ? one : more}`
}
