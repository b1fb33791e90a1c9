/**
 * The text of a directory's files, byte by byte into one buffer: to make a string of each name and number, and one of those, takes as long as
 * the looks at the files.
 */

/** Of one file: a name, three numbers and what is between them. */
const FILE_BYTES_MAX = 512
const NUL = 0
const MINUS = 0x2d
const ZERO = 0x30
const INT32_MAX = 0x7fff_ffff

let text = Buffer.allocUnsafe(64 * 1024)
let end = 0
const name = new Uint8Array(FILE_BYTES_MAX)
const digits = new Uint8Array(24)

export function startText(): void {
	end = 0
}

/** In latin1, each character a byte; as it is wanted by the C library. */
export function putName(file: string): Uint8Array {
	if (end + FILE_BYTES_MAX > text.length) text = Buffer.concat([text], 2 * text.length)
	const { length } = file
	for (let at = 0; at < length; at++) text[end++] = name[at] = file.charCodeAt(at)
	text[end++] = name[length] = NUL
	return name
}

export function putSeparator(byte: number): void {
	text[end++] = byte
}

/** As SQL writes it. */
export function putNumber(number: number): void {
	if (number < 0) text[end++] = MINUS
	let rest = Math.abs(number)
	let many = 0
	while (rest > INT32_MAX) {
		const tenth = Math.floor(rest / 10)
		digits[many++] = ZERO + rest - tenth * 10
		rest = tenth
	}
	let small = rest | 0
	do {
		const tenth = (small / 10) | 0
		digits[many++] = ZERO + small - tenth * 10
		small = tenth
	} while (small > 0)
	while (many > 0) text[end++] = digits[--many]
}

/** Without the last separator. */
export function endText(): string {
	return text.toString('latin1', 0, Math.max(0, end - 1))
}
