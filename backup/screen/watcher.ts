/** What a run tells while it works. */
export interface Watcher {
	expected(files: number, bytes: number): void
	moved(bytes: number): void
	done(): void
	trouble(path: string, why: string): void
	/** Something the owner should know, whoever looks. */
	warn(line: string): void
	/** Something of interest, if anybody looks. */
	note(line: string): void
	/** What is under way now. */
	title(text: string): void
	end(): void
}
