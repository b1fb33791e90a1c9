/** `1 file`, `2 files`, `2 copies`. */
export function many(count: number, one: string, more = `${one}s`): string {
	return `${count} ${count === 1 ? one : more}`
}
