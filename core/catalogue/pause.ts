const never = new Int32Array(new SharedArrayBuffer(4))

/** On this thread: for as long as a short transaction of another process takes, or where nothing else runs yet. */
export function pause(ms: number): void {
	Atomics.wait(never, 0, 0, ms)
}
